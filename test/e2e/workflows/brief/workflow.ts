import { z } from 'zod';
import { group, hours, seconds, workflow } from '../../../../lib/index.ts';

/** A gate that nobody can pass in time, and one execution at a time. */
export default workflow('brief', { input: z.object({}), timeout: hours(1), maxConcurrent: 1 }, (w) => {
  w.lambda('act', {
    function: './functions/act.ts',
    with: { note: 'never' },
    approval: { from: [group('data-owners', 1)], within: seconds(8) },
    effects: 'irreversible',
  });
});
