import { z } from 'zod';
import { gt, seconds, workflow } from '../../../../lib/index.ts';

/** Every kind of step: `parallel`, `when` on both sides, `wait` for a number of an output, `lambda`. */
export default workflow('branching', { input: z.object({ amount: z.number().int() }) }, (w) => {
  const measure = w.lambda('measure', {
    function: './functions/measure.ts',
    with: { amount: w.input.amount },
    effects: 'none',
    output: z.object({ doubled: z.number(), pause: z.number().int().nonnegative() }),
  });
  const sandbox = {
    image: 'node',
    code: './agent',
    cpu: 0.25,
    memoryMib: 512,
    output: z.object({ said: z.string() }),
  } as const;
  w.parallel('sides', {
    left: () => w.sandbox('left-side', { ...sandbox, command: ['node', 'say.mjs', 'left'] }),
    right: () => w.sandbox('right-side', { ...sandbox, command: ['node', 'say.mjs', 'right'] }),
  });
  w.wait('pause', measure.output.pause);
  w.when(
    'large',
    gt(measure.output.doubled, 10),
    () => w.sandbox('say-large', { ...sandbox, command: ['node', 'say.mjs', 'large'] }),
    () => {
      w.wait('a-moment', seconds(1));
      w.sandbox('say-small', { ...sandbox, command: ['node', 'say.mjs', 'small'] });
    },
  );
  return { doubled: measure.output.doubled };
});
