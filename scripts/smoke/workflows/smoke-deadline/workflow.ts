import { z } from 'zod';
import { seconds, workflow } from '../../../../lib/index.ts';

/** Waits as long as it is told to, which may be longer than the machine may take. */
export default workflow(
  'smoke-deadline',
  { input: z.object({ seconds: z.number().int().positive() }), timeout: seconds(30) },
  (w) => {
    w.wait('too-long', w.input.seconds);
  },
);
