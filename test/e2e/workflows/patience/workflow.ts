import { z } from 'zod';
import { minutes, workflow } from '../../../../lib/index.ts';

/** An agent that waits until it is stopped. */
export default workflow('patience', { input: z.object({}), timeout: minutes(5) }, (w) => {
  w.sandbox('wait-for-the-end', {
    image: 'python',
    code: './agent',
    command: ['python', 'wait.py'],
    cpu: 0.25,
    memoryMib: 512,
    timeout: minutes(4),
  });
  w.sandbox('never-reached', {
    image: 'python',
    code: './agent',
    command: ['python', 'wait.py'],
    cpu: 0.25,
    memoryMib: 512,
    timeout: minutes(4),
  });
});
