import { z } from 'zod';
import { group, hours, minutes, workflow } from '../../../../lib/index.ts';

/** One act that needs a person, and nothing before it: what is waited for is the gate. */
export default workflow(
  'gated',
  { input: z.object({ note: z.string() }), timeout: hours(6), maxConcurrent: 1000 },
  (w) => {
    const act = w.lambda('act', {
      function: './functions/act.ts',
      with: { note: w.input.note },
      approval: { from: [group('data-owners', 1)], within: hours(4), executeWithin: minutes(30) },
      output: z.object({ note: z.string() }),
      effects: 'irreversible',
    });
    return { note: act.output.note };
  },
);
