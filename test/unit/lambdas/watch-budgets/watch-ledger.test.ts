import { beforeEach, describe, expect, it } from 'vitest';
import { type WatchPorts, watchLedger } from '../../../../lambdas/watch-budgets/watch-ledger.ts';
import { EVENT_CATALOGUE } from '../../../../lib/audit/catalogue.ts';
import { entryItem, holdItem, scopeItem, WATCHED } from '../../../../lib/aws/ledger-items.ts';
import { entryKey, entryPosition, windowsKey } from '../../../../lib/aws/ledger-keys.ts';
import { placeFields } from '../../../../lib/aws/ledger-windows.ts';
import type { Hold, LedgerEntry, Scope, ScopeState, WindowScope } from '../../../../lib/budget/ledger.ts';
import { newScope, scopesOf } from '../../../../lib/budget/ledger-rules.ts';
import { type NanoUsd, usd } from '../../../../lib/budget/money.ts';
import { FakeClock } from '../../../_helpers/fakes/fake-clock.ts';
import { FakeExecutionStore } from '../../../_helpers/fakes/fake-execution-store.ts';
import { FakeIds } from '../../../_helpers/fakes/fake-ids.ts';
import { type MemoryLedger, memoryLedger } from '../../../_helpers/fakes/memory-ledger.ts';
import { anExecution } from '../../../_helpers/fakes/records.ts';
import { type StreamRow, streamRecord } from '../../../_helpers/stream-records.ts';

const clock = new FakeClock('2026-11-26T12:00:00.000Z');
const EXECUTION: Scope = { kind: 'execution', executionId: 'report:one' };
const AGENT: Scope = { kind: 'agent', executionId: 'report:one', agent: 'writer' };
const DAY: Scope = { kind: 'workflow', tenant: 'acme', workflow: 'report', window: 'day', period: '2026-11-26' };

let ledger: MemoryLedger;
let ports: WatchPorts;
let told: Set<string>;
beforeEach(() => {
  ledger = memoryLedger({ clock });
  told = new Set();
  const executions = new FakeExecutionStore({ clock }).seed({ executions: [anExecution({ traceId: 'trace-1' })] });
  ports = { executions, announcements: ledger, ids: new FakeIds(), clock };
});

function spent(
  scope: Scope,
  amount: NanoUsd,
  limit = usd(1),
  alertsAt: readonly number[] = [500, 750, 900],
): StreamRow {
  if ('window' in scope) return windowsRow({ ...newScope(scope, limit, alertsAt), spent: amount });
  return scopeItem({ ...newScope(scope, limit, alertsAt), spent: amount }, 0) as StreamRow;
}

/** The item of the windows of a workflow or tenant. */
function windowsRow(...states: readonly ScopeState<WindowScope>[]): StreamRow {
  const [state] = states;
  if (state === undefined) throw new Error('an item of windows has windows');
  const { window: _, period: __, ...subject } = state.scope;
  const fields = Object.assign(
    { subject, [WATCHED]: 'windows', ...windowsKey(state.scope) },
    ...states.map(placeFields),
  );
  return JSON.parse(JSON.stringify(fields)) as StreamRow;
}

const watch = (...rows: StreamRow[]) =>
  watchLedger(
    ports,
    rows.map((row) => streamRecord(row, 'MODIFY')),
    told,
  );

const thresholds = () => ledger.announcements().map(({ events }) => events[0]?.data.threshold);

const PAYER = {
  tenant: 'acme',
  workflow: 'report',
  executionId: 'report:one',
  path: 'write',
  attempt: 1,
  agent: 'writer',
};
const HOLD: Hold = {
  holdId: 'call-1',
  kind: 'call',
  payer: PAYER,
  purpose: { provider: 'openai', model: 'gpt-5', priceBook: 'hash' },
  amount: usd('0.09'),
  scopes: scopesOf(PAYER, new Date('2026-11-26T12:00:00.000Z')),
  state: 'unsettled',
  createdAt: '2026-11-26T12:00:00.000Z',
  reason: 'the stream broke',
};

describe('what budgets have reached', () => {
  it('is told at calls 6, 9 and 10 of $0.09 each, for 50 %, 75 % and 90 % of $1.00', async () => {
    const alerts: number[] = [];
    for (let call = 1; call <= 11; call += 1) {
      alerts.push((await watch(spent(EXECUTION, (call * usd('0.09')) as NanoUsd))).alerts);
    }
    expect(alerts).toEqual([0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0]);
    const [first] = ledger.announcements();
    expect(first?.chainId).toBe('report:one');
    expect(first?.events[0]).toMatchObject({
      eventType: 'cost.alert',
      executionId: 'report:one',
      traceId: 'trace-1',
      data: { scope: { kind: 'execution' }, threshold: 0.5, spentNanoUsd: usd('0.54'), limitNanoUsd: usd(1) },
    });
    expect(EVENT_CATALOGUE['cost.alert'].data.safeParse(first?.events[0]?.data).success).toBe(true);
    expect(thresholds()).toEqual([0.5, 0.75, 0.9]);
  });

  it('is told once: of several at the same time, by other processes, and when a batch comes again', async () => {
    const row = spent(EXECUTION, usd('0.90'));
    const results = await Promise.all(
      Array.from({ length: 10 }, () => watchLedger(ports, [streamRecord(row)], new Set())),
    );
    expect(results.reduce((sum, { alerts }) => sum + alerts, 0)).toBe(3);
    expect((await watch(row, row)).alerts).toBe(0);
    // Out of order as well: an older image tells nothing that is not so.
    expect((await watch(spent(EXECUTION, usd('0.60')))).alerts).toBe(0);
    expect(thresholds().toSorted()).toEqual([0.5, 0.75, 0.9]);
  });

  it('does not ask the store again for what this process has told', async () => {
    await watch(spent(EXECUTION, usd('0.60')));
    let asked = 0;
    const announceOnce = ledger.announceOnce.bind(ledger);
    ledger.announceOnce = async (...announcement) => {
      asked += 1;
      return announceOnce(...announcement);
    };
    await watch(spent(EXECUTION, usd('0.61')), spent(EXECUTION, usd('0.62')));
    expect(asked).toBe(0);
  });

  it('of an agent is told with its execution, of a window to the tenant', async () => {
    await watch(spent(AGENT, usd('0.60')), spent(DAY, usd('0.60')));
    expect(ledger.announcements().map(({ chainId }) => chainId)).toEqual(['report:one', 'tenant:acme']);
    expect(ledger.announcements().map(({ events }) => events[0]?.data.scope)).toMatchObject([
      { kind: 'agent', agent: 'writer' },
      { kind: 'workflow', tenant: 'acme', workflow: 'report', window: 'day', period: '2026-11-26' },
    ]);
    // The next day begins anew.
    expect((await watch(spent({ ...DAY, period: '2026-11-27' }, usd('0.60')))).alerts).toBe(1);
  });

  it('is nothing without a limit, without alerts, below them, or of an item that expires', async () => {
    const { limit: _, ...unlimited } = newScope(EXECUTION, usd(1), [500]);
    await watch(scopeItem({ ...unlimited, spent: usd(5) }, 0) as StreamRow);
    await watch(spent(EXECUTION, usd(5), usd(1), []));
    await watch(spent(EXECUTION, usd('0.49')));
    await watchLedger(ports, [streamRecord(spent(EXECUTION, usd(1)), 'REMOVE')], told);
    await watch({ pk: 'EXEC#report:one', sk: 'HOLD#1' });
    expect(ledger.announcements()).toEqual([]);
    expect(scopeItem(newScope(EXECUTION, usd(1), []), 0)[WATCHED]).toBeUndefined();
  });

  it('a failure is thrown at its record, and a repeat tells the rest once', async () => {
    const announceOnce = ledger.announceOnce.bind(ledger);
    ledger.announceOnce = async (marker, ...rest) => {
      if (marker.startsWith('agent')) throw new Error('cut off');
      return announceOnce(marker, ...rest);
    };
    const rows = [spent(EXECUTION, usd('0.60')), spent(AGENT, usd('0.60')), spent(DAY, usd('0.60'))];
    await expect(watch(...rows)).rejects.toThrow('cut off');
    expect(ledger.announcements()).toHaveLength(1);
    ledger.announceOnce = announceOnce;
    expect((await watch(...rows)).alerts).toBe(2);
    expect(ledger.announcements()).toHaveLength(3);
  });

  it('money of an execution without a record fails', async () => {
    await expect(watch(spent({ ...EXECUTION, executionId: 'report:gone' }, usd(1)))).rejects.toMatchObject({
      code: 'unknown_execution',
    });
  });
});

describe('a hold that became unsettled', () => {
  it('is told once, with all that it holds', async () => {
    const row = { ...holdItem(HOLD), [WATCHED]: 'unsettled' } as StreamRow;
    expect((await watch(row)).unsettled).toEqual([HOLD]);
    expect((await watch(row)).unsettled).toEqual([]);
    expect(ledger.announcements()).toHaveLength(1);
    expect(ledger.announcements()[0]?.events[0]).toMatchObject({
      eventType: 'cost.unsettled',
      executionId: 'report:one',
      stepPath: 'write',
      attempt: 1,
      data: { holdId: 'call-1', heldNanoUsd: usd('0.09'), reason: 'the stream broke' },
    });
  });
});

describe('entries', () => {
  it('are counted, and told of nowhere', async () => {
    const entry: LedgerEntry = {
      holdId: HOLD.holdId,
      kind: 'call',
      payer: HOLD.payer,
      purpose: HOLD.purpose,
      held: usd('0.09'),
      cost: usd('0.10'),
      source: 'reported',
      raw: { usage: [1, 2.5] },
      settledAt: '2026-11-26T12:00:00.000Z',
    };
    const row = { ...entryItem(entry, 0), ...entryKey('report:one', entryPosition(entry)) } as StreamRow;
    expect((await watch(row)).entries).toEqual([entry]);
    expect(ledger.announcements()).toEqual([]);
  });
});
