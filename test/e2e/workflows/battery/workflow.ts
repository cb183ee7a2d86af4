import { z } from 'zod';
import { seconds, workflow } from '../../../../lib/index.ts';

/** One agent that ends in the way its input says. */
export default workflow('battery', { input: z.object({ mode: z.string() }) }, (w) => {
  const act = w.sandbox('act', {
    image: 'python',
    code: './agent',
    command: ['python', 'act.py'],
    cpu: 0.25,
    memoryMib: 512,
    timeout: seconds(5),
    input: { mode: w.input.mode },
    output: z.object({ mode: z.string(), size: z.number() }),
    retry: { maxRetries: 1, initialDelay: seconds(1), maxDelay: seconds(1) },
  });
  return act.output;
});
