import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StoredRecord } from '../../../state-machines/data-processor/data/record.ts';
import records from '../../../state-machines/data-processor/data/records.json' with { type: 'json' };
import { runAgent } from '../../_helpers/run-agent.ts';

interface Plan {
  readonly asOf: string;
  readonly cutoff: string;
  readonly count: number;
  readonly ids: readonly string[];
  readonly kept: readonly { readonly reason: string; readonly count: number }[];
  readonly risk: number;
  readonly reasons: readonly { readonly points: number; readonly text: string }[];
}

const folder = join(import.meta.dirname, '../../../state-machines/data-processor/agent');

async function plan(input: { records: readonly unknown[]; olderThanDays: number; asOf: string }): Promise<Plan> {
  return (await runAgent(folder, ['python3', 'plan.py'], input)).output as Plan;
}

function record(id: string, fields: Partial<StoredRecord> = {}): StoredRecord {
  return {
    id,
    kind: 'session',
    status: 'ended',
    owner: 'support',
    createdAt: '2020-01-01T00:00:00Z',
    lastAccessedAt: '2020-01-01T00:00:00Z',
    sizeBytes: 100,
    legalHold: false,
    ...fields,
  };
}

const asOf = '2026-10-31';

describe('choosing records', () => {
  it('takes what was last used before the cutoff, and not what was used on that day', async () => {
    const result = await plan({
      records: [
        record('before', { lastAccessedAt: '2026-09-30T23:59:59Z' }),
        record('on-the-day', { lastAccessedAt: '2026-10-01T00:00:00Z' }),
      ],
      olderThanDays: 30,
      asOf,
    });
    expect(result).toMatchObject({ asOf, cutoff: '2026-10-01', ids: ['before'], count: 1 });
  });

  it('keeps legal holds, unpaid invoices and active customers, and says so', async () => {
    const result = await plan({
      records: [
        record('held', { legalHold: true }),
        record('unpaid', { kind: 'invoice', status: 'open' }),
        record('active', { kind: 'customer', status: 'active' }),
        record('paid', { kind: 'invoice', status: 'paid' }),
        record('closed', { kind: 'customer', status: 'closed' }),
      ],
      olderThanDays: 365,
      asOf,
    });
    expect(result.ids).toEqual(['closed', 'paid']);
    expect(result.kept).toEqual([
      { reason: 'active customer', count: 1 },
      { reason: 'legal hold', count: 1 },
      { reason: 'unpaid invoice', count: 1 },
    ]);
  });
});

describe('the risk', () => {
  it('is 0, without reasons, when nothing would be deleted', async () => {
    const result = await plan({ records: [record('held', { legalHold: true })], olderThanDays: 1, asOf });
    expect(result).toMatchObject({ count: 0, risk: 0, reasons: [] });
  });

  it('is the sum of its reasons', async () => {
    const result = await plan({ records, olderThanDays: 1500, asOf });
    expect(result.risk).toBe(result.reasons.reduce((sum, { points }) => sum + points, 0));
    expect(result.risk).toBeGreaterThan(0);
  });

  it('grows with what would be deleted, and stays within 100', async () => {
    const risks = await Promise.all(
      [2000, 1000, 365, 20].map(async (olderThanDays) => (await plan({ records, olderThanDays, asOf })).risk),
    );
    expect(risks).toEqual([...risks].sort((a, b) => a - b));
    expect(risks.at(0)).toBeLessThan(30);
    expect(risks.at(-1)).toBe(100);
  });
});

it('gives the same plan for the same input, in whatever order the records come', async () => {
  const input = { records, olderThanDays: 365, asOf };
  expect(await plan({ ...input, records: [...records].reverse() })).toEqual(await plan(input));
});

it('takes the current day for "today"', async () => {
  const day = () => new Date().toISOString().slice(0, 10);
  const before = day();
  const result = await plan({ records: [record('one')], olderThanDays: 1, asOf: 'today' });
  expect([before, day()]).toContain(result.asOf);
});
