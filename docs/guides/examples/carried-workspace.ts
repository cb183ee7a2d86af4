import { z } from 'zod';
import { minutes, text, workflow } from '../../../lib/index.ts';

export default workflow('review', { input: z.object({ ticket: z.string() }) }, (w) => {
  const generate = w.sandbox('generate', {
    image: 'node',
    code: './agent',
    command: ['node', 'generate.mjs', w.input.ticket],
    timeout: minutes(30),
    keepWorkspace: true,
  });
  const check = w.sandbox('check', {
    image: 'python',
    code: './checker',
    command: ['python', 'check.py'],
    workspace: generate.workspace,
    output: z.object({ passed: z.boolean() }),
  });
  return { passed: check.output.passed, note: text`checked for ${w.input.ticket}` };
});
