import { z } from 'zod';
import { minutes, usd, workflow } from '../../../../lib/index.ts';
import { SPENDER } from '../../spending.ts';

const input = z.object({ content: z.string(), maxTokens: z.number().int() });

/** Three agents at once, each with a budget of its own; the first wants more calls than it can pay for. */
export default workflow(
  'crew',
  {
    input,
    timeout: minutes(10),
    budget: { execution: usd(10), agents: { first: usd(2), second: usd(3), third: usd('1.50') }, onExceeded: 'stop' },
  },
  (w) => {
    const { content, maxTokens } = w.input;
    const agent = (name: string, calls: number) =>
      w.sandbox(name, { ...SPENDER, agent: name, input: { calls, parallel: false, content, maxTokens } }).output;
    return w.parallel('crew', {
      one: () => agent('first', 25),
      two: () => agent('second', 5),
      three: () => agent('third', 5),
    });
  },
);
