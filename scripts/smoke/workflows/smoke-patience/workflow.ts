import { z } from 'zod';
import { minutes, workflow } from '../../../../lib/index.ts';

/** An agent that waits until it is stopped from outside. */
export default workflow('smoke-patience', { input: z.object({}), timeout: minutes(20) }, (w) => {
  w.sandbox('wait', {
    image: 'python',
    code: './agent',
    command: ['python3', 'wait.py'],
    cpu: 0.25,
    memoryMib: 512,
    timeout: minutes(15),
  });
});
