import { z } from 'zod';
import { group, hours, minutes, workflow } from '../../../../lib/index.ts';

/** As it is deployed first. `test/e2e/changed/after` is what the next deployment makes of it. */
export default workflow('changing', { input: z.object({ id: z.string() }), timeout: hours(6) }, (w) => {
  const act = w.lambda('act', {
    function: './functions/act.ts',
    with: { id: w.input.id },
    approval: { from: [group('data-owners', 1)], within: hours(4), executeWithin: minutes(30) },
    output: z.object({ by: z.string() }),
    effects: 'irreversible',
  });
  const tell = w.sandbox('tell', {
    image: 'python',
    code: './agent',
    command: ['python', 'tell.py'],
    cpu: 0.25,
    memoryMib: 1024,
    env: { ACTED: act.output.by },
    output: z.object({ by: z.string(), acted: z.string() }),
  });
  return { acted: tell.output.acted, told: tell.output.by };
});
