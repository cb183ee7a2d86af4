import { z } from 'zod';
import { minutes, workflow } from '../../../lib/index.ts';

export default workflow('count', { input: z.object({ text: z.string() }) }, (w) => {
  const count = w.sandbox('count', {
    image: 'compiled',
    command: ['agent'],
    input: { text: w.input.text },
    timeout: minutes(1),
    output: z.object({ language: z.string(), uid: z.number(), inputBytes: z.number() }),
  });
  return { bytes: count.output.inputBytes };
});
