import { z } from 'zod';
import { seconds, workflow } from '../../../../lib/index.ts';

/** Waits longer than it may take. */
export default workflow(
  'deadline',
  { input: z.object({ seconds: z.number().int().nonnegative() }), timeout: seconds(2) },
  (w) => {
    w.wait('too-long', w.input.seconds);
  },
);
