import { z } from 'zod';
import { group, hours, minutes, workflow } from '../../../../lib/index.ts';

/** A gate of its own, and the sandbox that may act on its subject only. */
export default workflow('confirming', { input: z.object({ id: z.string() }), timeout: hours(1) }, (w) => {
  const subject = { id: w.input.id };
  const confirm = w.approval('confirm', { subject, from: [group('data-owners', 1)], within: minutes(30) });
  const act = w.sandbox('act', {
    image: 'python',
    code: './agent',
    command: ['python3', 'act.py'],
    input: subject,
    requires: confirm,
    effects: 'irreversible',
    output: z.object({ id: z.string() }),
  });
  return { id: act.output.id };
});
