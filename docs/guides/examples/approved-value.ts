import { z } from 'zod';
import { group, hours, minutes, workflow } from '../../../lib/index.ts';

export default workflow('clean-up', { input: z.object({ table: z.string() }) }, (w) => {
  const plan = w.sandbox('plan', {
    image: 'python',
    code: './agent',
    command: ['python', 'plan.py'],
    input: { table: w.input.table },
    output: z.object({ ids: z.array(z.string()) }),
  });

  const deletion = { table: w.input.table, ids: plan.output.ids };
  const confirmed = w.approval('confirm', {
    subject: deletion,
    from: [group('data-owners', 1)],
    within: hours(4),
    executeWithin: minutes(45),
  });

  w.sandbox('back-up', { image: 'python', code: './agent', command: ['python', 'back_up.py'], input: deletion });
  w.lambda('delete', {
    function: './functions/delete.ts',
    with: deletion,
    effects: 'irreversible',
    requires: confirmed,
  });
});
