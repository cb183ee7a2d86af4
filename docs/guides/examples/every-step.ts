import { z } from 'zod';
import { and, eq, gt, hours, minutes, text, workflow } from '../../../lib/index.ts';

export default workflow(
  'triage',
  {
    input: z.object({ bucket: z.string(), dryRun: z.boolean().default(true) }),
    timeout: hours(6),
  },
  (w) => {
    const facts = w.lambda('collect-facts', {
      function: './functions/collect-facts.ts',
      with: { source: text`s3://${w.input.bucket}/incoming` },
      effects: 'none',
      output: z.object({ items: z.array(z.string()), score: z.number(), pauseSeconds: z.number().int().nonnegative() }),
    });

    const reader = { image: 'python', code: './agent', cpu: 0.5, memoryMib: 1024, timeout: minutes(10) };
    w.parallel('read', {
      fast: () =>
        w.sandbox('read-fast', {
          ...reader,
          command: ['python', 'read.py', '--fast'],
          input: { items: facts.output.items },
        }),
      deep: () =>
        w.sandbox('read-deep', {
          ...reader,
          command: ['python', 'read.py', '--deep'],
          input: { items: facts.output.items },
        }),
    });

    w.wait('settle', facts.output.pauseSeconds);

    w.when(
      'worth-acting-on',
      and(gt(facts.output.score, 30), eq(w.input.dryRun, false)),
      () => w.sandbox('act', { ...reader, command: ['python', 'act.py'], env: { BUCKET: w.input.bucket } }),
      () => w.sandbox('explain', { ...reader, command: ['python', 'explain.py'] }),
    );

    return { score: facts.output.score, items: facts.output.items };
  },
);
