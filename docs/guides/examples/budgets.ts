import { z } from 'zod';
import { minutes, usd, workflow } from '../../../lib/index.ts';

export default workflow(
  'market-report',
  {
    input: z.object({ topic: z.string() }),
    budget: {
      execution: usd(5),
      agents: { researcher: usd(2) },
      daily: usd(50),
      monthly: usd(500),
      alertsAt: [0.5, 0.75, 0.9],
      onExceeded: 'stop',
    },
  },
  (w) => {
    const facts = w.sandbox('research', {
      image: 'python',
      code: './agent',
      command: ['python', 'research.py'],
      input: { topic: w.input.topic },
      timeout: minutes(20),
      agent: 'researcher',
      models: ['claude-*', 'gpt-5.4-mini'],
      rate: { requestsPerMinute: 60, tokensPerMinute: 200_000, concurrent: 4 },
      output: z.object({ facts: z.array(z.string()) }),
    });
    return { facts: facts.output.facts };
  },
);
