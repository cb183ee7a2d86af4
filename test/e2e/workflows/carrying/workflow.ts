import { z } from 'zod';
import { minutes, workflow } from '../../../../lib/index.ts';

/** A folder that is carried through three sandboxes: written, changed by another language, and read. */
export default workflow('carrying', { input: z.object({ mode: z.enum(['fine', 'pipe']) }) }, (w) => {
  const sandbox = { code: './agent', cpu: 0.25, memoryMib: 512, timeout: minutes(2) } as const;
  const made = w.sandbox('make', {
    ...sandbox,
    image: 'python',
    command: ['python', 'make.py'],
    input: { mode: w.input.mode },
    keepWorkspace: true,
  });
  const changed = w.sandbox('change', {
    ...sandbox,
    image: 'node',
    command: ['node', 'change.mjs'],
    workspace: made.workspace,
    keepWorkspace: true,
  });
  const read = w.sandbox('read', {
    ...sandbox,
    image: 'python',
    command: ['python', 'read.py'],
    workspace: changed.workspace,
    output: z.object({ names: z.array(z.string()), text: z.string(), target: z.string(), mode: z.string() }),
  });
  return read.output;
});
