import { z } from 'zod';
import { minutes, workflow } from '../../../../lib/index.ts';

/** An agent that tries the ways out which the private network must not have. */
export default workflow(
  'smoke-probe',
  { input: z.object({ urls: z.array(z.string().max(300)).max(10) }), timeout: minutes(20) },
  (w) => {
    const probe = w.sandbox('probe', {
      image: 'python',
      code: './agent',
      command: ['python3', 'probe.py'],
      cpu: 0.25,
      memoryMib: 512,
      timeout: minutes(5),
      input: { urls: w.input.urls },
      output: z.object({
        answers: z.array(z.object({ url: z.string(), status: z.number().int(), said: z.string() })),
      }),
    });
    return probe.output;
  },
);
