import { z } from 'zod';
import { minutes, seconds, workflow } from '../../../../lib/index.ts';

/** Waits longer than the machine may take. */
export default workflow('smoke-deadline', { input: z.object({}), timeout: seconds(30) }, (w) => {
  w.wait('too-long', minutes(10));
});
