import { beforeEach, describe, expect, it } from 'vitest';
import { expiredHolds } from '../../../../lambdas/reconcile/checks/expired-holds.ts';
import { usd } from '../../../../lib/budget/money.ts';
import { WfloError } from '../../../../lib/errors.ts';
import { EXECUTION_ID, ExecutionScene } from '../../../_helpers/execution-scene.ts';
import { memoryLedger } from '../../../_helpers/fakes/memory-ledger.ts';

let scene: ExecutionScene;
beforeEach(async () => {
  scene = new ExecutionScene();
  ledger = memoryLedger({ clock: scene.clock });
  await ledger.openExecution({
    executionId: EXECUTION_ID,
    tenant: 'default',
    workflow: 'report',
    limit: usd(5),
    agents: {},
    alertsAt: [],
    windows: {},
  });
});
let ledger: ReturnType<typeof memoryLedger>;

const run = () => expiredHolds.run({ ...scene, ledger, resumeApprovals: async () => {}, remainingMs: () => 50_000 });

async function reserve(holdId: string, expiresAt: string, kind: 'call' | 'compute' = 'call'): Promise<void> {
  const result = await ledger.reserve({
    holdId,
    kind,
    payer: {
      tenant: 'default',
      workflow: 'report',
      executionId: EXECUTION_ID,
      path: 'write',
      attempt: 1,
      agent: 'write',
    },
    purpose: { provider: 'openai', model: 'gpt-5', priceBook: 'hash' },
    amount: usd(1),
    expiresAt,
    leaseEpoch: 1,
  });
  expect(result.kind).toBe('held');
}

const held = async () => (await ledger.getScope({ kind: 'execution', executionId: EXECUTION_ID }))?.held;

describe('calls that nobody settled', () => {
  it('become unsettled, with all that was reserved still held, once', async () => {
    await reserve('abandoned', '2026-01-01T00:10:00.000Z');
    await reserve('running', '2026-01-01T00:20:00.000Z');
    await reserve('compute:write:1', '2026-01-01T00:01:00.000Z', 'compute');
    scene.clock.set('2026-01-01T00:10:30.000Z');
    expect(await run()).toEqual({ repaired: 1, failures: [], lateSeconds: 30 });
    expect(await ledger.getHold(EXECUTION_ID, 'abandoned')).toMatchObject({
      state: 'unsettled',
      reason: 'the gateway that made the call ended before it could settle it',
    });
    expect(await ledger.getHold(EXECUTION_ID, 'running')).toMatchObject({ state: 'open' });
    expect(await held()).toBe(usd(3));
    expect(await run()).toEqual({ repaired: 0, failures: [] });
  });

  it('are left as they are when they were renewed or settled since the list was made', async () => {
    await reserve('renewed', '2026-01-01T00:10:00.000Z');
    await reserve('settled', '2026-01-01T00:10:00.000Z');
    scene.clock.set('2026-01-01T00:11:00.000Z');
    const seen = await ledger.expiredHolds(scene.clock.now(), 10);
    expect(seen).toHaveLength(2);
    ledger.expiredHolds = async () => seen;
    await ledger.renew(EXECUTION_ID, 'renewed', '2026-01-01T00:30:00.000Z');
    await ledger.settle({ executionId: EXECUTION_ID, holdId: 'settled', cost: usd(1), source: 'reported' });
    expect(await run()).toMatchObject({ repaired: 0, failures: [] });
    expect(await ledger.getHold(EXECUTION_ID, 'renewed')).toMatchObject({ state: 'open' });
    expect(await ledger.getHold(EXECUTION_ID, 'settled')).toMatchObject({ state: 'settled' });
  });

  it('one that fails does not keep the others', async () => {
    await reserve('first', '2026-01-01T00:10:00.000Z');
    await reserve('second', '2026-01-01T00:10:00.000Z');
    scene.clock.set('2026-01-01T00:11:00.000Z');
    const unsettle = ledger.unsettle.bind(ledger);
    const busy = new WfloError('ledger_busy', 'too many');
    ledger.unsettle = async (executionId, holdId, reason) => {
      if (holdId === 'first') throw busy;
      return unsettle(executionId, holdId, reason);
    };
    expect(await run()).toMatchObject({ repaired: 1, failures: [busy] });
    ledger.unsettle = unsettle;
    expect(await run()).toMatchObject({ repaired: 1, failures: [] });
  });

  it('a ledger that cannot be read fails the check', async () => {
    ledger.failure = new WfloError('ledger_unreachable', 'no answer');
    await expect(run()).rejects.toMatchObject({ code: 'ledger_unreachable' });
  });
});
