import { z } from 'zod';
import { group, hours, minutes, workflow } from '../../../../lib/index.ts';

/** `../../workflows/smoke-gate` as it is after somebody has changed handler and definition. */
export default workflow('smoke-gate', { input: z.object({}), timeout: hours(2) }, (w) => {
  const act = w.lambda('act', {
    function: './functions/act.ts',
    approval: {
      from: [group('smoke-approvers', 1)],
      notRequester: false,
      within: hours(1),
      executeWithin: minutes(30),
    },
    output: z.object({ edition: z.string() }),
    effects: 'irreversible',
  });
  return { edition: act.output.edition, changed: true };
});
