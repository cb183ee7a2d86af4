import { z } from 'zod';
import { group, hours, minutes, workflow } from '../../../../lib/index.ts';

/** Another order of steps, another handler with other rights, another image, other code and another size. */
export default workflow('changing', { input: z.object({ id: z.string() }), timeout: hours(6) }, (w) => {
  const tell = w.sandbox('tell', {
    image: 'node',
    code: './agent',
    command: ['node', 'tell.mjs'],
    cpu: 0.5,
    memoryMib: 2048,
    output: z.object({ by: z.string() }),
  });
  const act = w.lambda('act', {
    function: './functions/act.ts',
    with: { id: w.input.id },
    approval: { from: [group('data-owners', 1)], within: hours(1), executeWithin: minutes(10) },
    output: z.object({ by: z.string() }),
    effects: 'irreversible',
  });
  return { acted: act.output.by, told: tell.output.by };
});
