import { z } from 'zod';
import { group, hours, minutes, workflow } from '../../lib/index.ts';

const record = z.object({
  id: z.string(),
  kind: z.enum(['customer', 'session', 'invoice']),
  status: z.enum(['active', 'closed', 'ended', 'paid', 'open']),
  owner: z.string(),
  createdAt: z.string(),
  lastAccessedAt: z.string(),
  sizeBytes: z.number().int().nonnegative(),
  legalHold: z.boolean(),
});

const plan = z.object({
  asOf: z.string(),
  cutoff: z.string(),
  examined: z.number().int().nonnegative(),
  count: z.number().int().nonnegative(),
  bytes: z.number().int().nonnegative(),
  ids: z.array(z.string()),
  byKind: z.array(z.object({ kind: z.string(), examined: z.number(), selected: z.number(), bytes: z.number() })),
  kept: z.array(z.object({ reason: z.string(), count: z.number() })),
  risk: z.number().int().min(0).max(100),
  reasons: z.array(z.object({ points: z.number(), text: z.string() })),
});

export default workflow(
  'data-processor',
  {
    input: z.object({
      /** A record is old when it was last used more than this many days before `asOf`. */
      olderThanDays: z.number().int().positive().max(36_500).default(365),
      /** A day (`2026-10-31`), so that a result can be reproduced, or `today`. */
      asOf: z
        .string()
        .regex(/^(today|\d{4}-\d{2}-\d{2})$/)
        .default('today'),
    }),
    timeout: hours(6),
  },
  (w) => {
    const exported = w.lambda('export-records', {
      function: './functions/export-records.ts',
      output: z.object({ count: z.number().int().nonnegative(), records: z.array(record) }),
      effects: 'none',
      timeout: minutes(2),
      memoryMib: 512,
    });

    const planned = w.sandbox('plan-cleanup', {
      image: 'python',
      code: './agent',
      command: ['python3', 'plan.py'],
      cpu: 0.25,
      memoryMib: 512,
      timeout: minutes(5),
      agent: 'planner',
      input: {
        records: exported.output.records,
        olderThanDays: w.input.olderThanDays,
        asOf: w.input.asOf,
      },
      output: plan,
    });

    const report = w.sandbox('write-report', {
      image: 'node',
      code: './agent',
      command: ['node', 'report.mjs'],
      cpu: 0.25,
      memoryMib: 512,
      timeout: minutes(5),
      agent: 'reporter',
      input: { plan: planned.output },
      output: z.object({ title: z.string(), markdown: z.string() }),
    });

    // Exactly these ids are what people approve: the payload that is frozen holds them, and nothing else can be deleted
    // under their approval.
    const deleted = w.lambda('delete-old-records', {
      function: './functions/delete-records.ts',
      with: { ids: planned.output.ids, cutoff: planned.output.cutoff },
      approval: {
        from: [group('data-owners', 1)],
        notRequester: true,
        within: hours(4),
        executeWithin: minutes(30),
        otherwise: 'reject',
      },
      output: z.object({ deleted: z.number().int().nonnegative(), kept: z.array(z.string()) }),
      effects: 'irreversible',
      // A record that is gone stays gone.
      idempotent: true,
      timeout: minutes(10),
    });

    return {
      asOf: planned.output.asOf,
      examined: planned.output.examined,
      count: planned.output.count,
      risk: planned.output.risk,
      deleted: deleted.output.deleted,
      kept: deleted.output.kept,
      report: report.output,
    };
  },
);
