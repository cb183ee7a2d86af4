import { z } from 'zod';
import { group, hours, minutes, workflow } from '../../../../lib/index.ts';

/** An act that waits for a person; `../../changed/smoke-gate` is what is deployed over it. */
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
  return { edition: act.output.edition };
});
