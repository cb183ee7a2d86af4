import { z } from 'zod';
import { group, hours, workflow } from '../../../lib/index.ts';

export default workflow('retire-customer', { input: z.object({ customer: z.string() }), maxConcurrent: 5 }, (w) => {
  w.lambda('erase', {
    function: './functions/erase.ts',
    with: { customer: w.input.customer },
    effects: 'irreversible',
    approval: { from: [group('data-owners', 2), group('legal', 1)], within: hours(8) },
  });
});
