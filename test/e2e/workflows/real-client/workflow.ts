import { z } from 'zod';
import { minutes, workflow } from '../../../../lib/index.ts';

/** Runs one script of `test/real-clients`, where the tests have installed it, with a published client in a sandbox. */
export default workflow(
  'real-client',
  {
    input: z.object({
      /** Paths of the machine that runs the tests. */
      program: z.string(),
      script: z.string(),
      mode: z.enum(['plain', 'stream', 'tool']),
      prompt: z.string(),
      model: z.string(),
    }),
    timeout: minutes(5),
  },
  (w) => {
    const asked = w.sandbox('ask', {
      image: 'python',
      command: [w.input.program, w.input.script, w.input.mode],
      env: { MODEL: w.input.model },
      timeout: minutes(3),
      agent: 'client',
      models: ['*'],
      input: { prompt: w.input.prompt },
      output: z.object({
        text: z.string(),
        toolCalls: z.array(z.object({ name: z.string(), arguments: z.object({ word: z.string() }) })),
        /** Of each call, in the client's own words. */
        usage: z.array(z.record(z.string(), z.unknown())),
      }),
      retry: { maxRetries: 0 },
    });
    return asked.output;
  },
);
