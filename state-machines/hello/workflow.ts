import { z } from 'zod';
import { minutes, workflow } from '../../lib/index.ts';

export default workflow(
  'hello',
  { input: z.object({ name: z.string().min(1).max(100).default('World') }), timeout: minutes(30) },
  (w) => {
    const greeting = w.sandbox('greet', {
      image: 'python',
      code: './agent',
      command: ['python3', 'hello.py'],
      cpu: 0.25,
      memoryMib: 512,
      timeout: minutes(2),
      input: { name: w.input.name },
      output: z.object({ message: z.string() }),
    });
    return greeting.output;
  },
);
