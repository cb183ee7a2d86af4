import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { carryOutRaise } from '../../../../lib/approvals/carry-out-raise.ts';
import { decideApproval } from '../../../../lib/approvals/decide-approval.ts';
import { raiseApprovalId } from '../../../../lib/approvals/raise-approval.ts';
import { type NanoUsd, usd } from '../../../../lib/budget/money.ts';
import type { Actor } from '../../../../lib/execution/records.ts';
import { fakePeopleStore } from '../../../_helpers/fakes/fake-people-store.ts';
import { EXECUTION_ID, type GatewayScene, gatewayScene } from '../../../_helpers/gateway-scene.ts';

const CALL = { model: 'plain-1', input: 1000, output: 1000 };
const USED = '{"usage":{"input":1000,"output":1000}}';
const SCOPE = { kind: 'execution', executionId: EXECUTION_ID } as const;
const ID = raiseApprovalId(SCOPE, 1);
const OLGA: Actor = { type: 'person', id: 'olga', via: 'api' };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

type Budget = Parameters<typeof gatewayScene>[0] extends infer O ? NonNullable<O> : never;
const asking = (budget: Budget['budget'] = { limit: usd('0.05') }): Promise<GatewayScene> =>
  gatewayScene({ budget, access: { onExceeded: 'ask' } });

function portsOf(scene: GatewayScene) {
  const { store, ledger, ports } = scene;
  return {
    executions: store,
    budgets: ledger,
    announcements: ledger,
    people: fakePeopleStore(),
    clock: ports.clock,
    ids: ports.ids,
  };
}

/** Without what the control API does after it. */
async function decide(scene: GatewayScene, decision: 'approve' | 'reject', approvalId = ID) {
  return decideApproval(portsOf(scene), 'default', approvalId, {
    personId: 'joan',
    roles: ['administrator'],
    decision,
    ...(decision === 'reject' ? { comment: 'too dear' } : {}),
    via: 'api',
  });
}
async function grant(scene: GatewayScene, approvalId = ID): Promise<void> {
  const { approval } = await decide(scene, 'approve', approvalId);
  expect(await carryOutRaise(portsOf(scene), approval)).toBe(true);
}
const types = (scene: GatewayScene) => scene.store.events(EXECUTION_ID).map(({ eventType }) => eventType);
const told = (scene: GatewayScene) =>
  scene.ledger.announcements().flatMap(({ events }) => events.map(({ eventType }) => eventType));
const statuses = async (scene: GatewayScene) =>
  (await scene.store.listApprovals(EXECUTION_ID)).map(({ approvalId, status }) => [approvalId, status]);

describe('a call that does not fit under `ask`', () => {
  it('asks for the least raise that lets it pass, and waits until it is granted', async () => {
    const scene = await asking({ limit: usd('0.0412345') });
    scene.upstream.script({ acts: [USED] });
    const response = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await scene.store.getApproval(ID)).toMatchObject({
      kind: 'budget',
      status: 'pending',
      roles: ['administrator'],
      groups: [],
      attempt: 1,
      raise: {
        scope: SCOPE,
        limit: usd('0.0412345'),
        spent: 0,
        held: 0,
        needed: usd('0.09'),
        by: usd('0.05'),
        stepPath: 'write',
      },
    });
    expect(await scene.store.getExecution(EXECUTION_ID)).toMatchObject({
      status: 'waiting_approval',
      openApprovals: 1,
    });
    expect(scene.store.events(EXECUTION_ID)).toMatchObject([
      {
        eventType: 'approval.requested',
        stepPath: 'write',
        attempt: 1,
        actor: { type: 'system', via: 'gateway' },
        data: {
          approvalId: ID,
          groups: [],
          roles: ['administrator'],
          raise: { neededNanoUsd: usd('0.09'), byNanoUsd: usd('0.05'), limitNanoUsd: usd('0.0412345') },
        },
      },
    ]);
    await grant(scene);
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await response).status).toBe(200);
    await (await response).text();
    expect(await scene.spent()).toBe(usd('0.09'));
    expect((await scene.ledger.getScope(SCOPE))?.limit).toBe(usd('0.0912345'));
    expect(types(scene)).toEqual(['approval.requested', 'approval.granted']);
    expect(told(scene)).toEqual(['cost.exceeded', 'budget.raised']);
    expect(await scene.store.getExecution(EXECUTION_ID)).toMatchObject({ status: 'running', openApprovals: 0 });
  });

  it('joins the twenty that are refused at the same time: one approval', async () => {
    const scene = await asking();
    const responses = Array.from({ length: 20 }, () => scene.call(CALL));
    await vi.advanceTimersByTimeAsync(61_000);
    expect((await Promise.all(responses)).map(({ status }) => status)).toEqual(Array(20).fill(409));
    expect(await statuses(scene)).toEqual([[ID, 'pending']]);
    expect(types(scene)).toEqual(['approval.requested']);
    // And so does one that comes later, from another process.
    const later = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(61_000);
    expect((await later).headers.get('x-wflo-error')).toBe('budget_pending');
    expect(types(scene)).toEqual(['approval.requested']);
  });

  it('is asked for once what was held is spent, where it would have fitted into what was held', async () => {
    const scene = await asking({ limit: usd('0.10') });
    scene.upstream.script({ acts: [{ milliseconds: 5_000 }, USED] });
    const responses = [scene.call(CALL), scene.call(CALL)];
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await statuses(scene)).toEqual([]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await statuses(scene)).toEqual([[ID, 'pending']]);
    scene.upstream.script({ acts: [USED] });
    await grant(scene);
    await vi.advanceTimersByTimeAsync(2_000);
    const answers = await Promise.all(responses);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    await Promise.all(answers.map((answer) => answer.text()));
  });

  it('is refused at once when a person says no, and nobody is asked again for that limit', async () => {
    const scene = await asking();
    const response = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(3_000);
    await decide(scene, 'reject');
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await response).status).toBe(402);
    expect((await response).headers.get('x-wflo-error')).toBe('budget_exhausted');
    // Whoever comes after it does not wait at all.
    expect((await scene.call(CALL)).status).toBe(402);
    expect(types(scene)).toEqual(['approval.requested', 'approval.rejected']);
    expect(await scene.store.getExecution(EXECUTION_ID)).toMatchObject({ status: 'running', openApprovals: 0 });
  });

  it('asks anew where the raised budget runs out again, also after a no', async () => {
    const scene = await asking();
    const first = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(3_000);
    await decide(scene, 'reject');
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await first).status).toBe(402);
    await scene.ledger.raise({ executionId: EXECUTION_ID, by: usd('0.01'), raiseId: 'r1' });
    const second = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await statuses(scene)).toEqual([
      [ID, 'rejected'],
      [raiseApprovalId(SCOPE, 2), 'pending'],
    ]);
    scene.upstream.script({ acts: [USED] });
    await grant(scene, raiseApprovalId(SCOPE, 2));
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await second).status).toBe(200);
    await (await second).text();
    const third = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(61_000);
    expect((await third).status).toBe(409);
    expect(await statuses(scene)).toContainEqual([raiseApprovalId(SCOPE, 3), 'pending']);
  });

  it('goes on where somebody raised the budget without that, and what was asked is withdrawn', async () => {
    const scene = await asking();
    scene.upstream.script({ acts: [USED] });
    const response = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(3_000);
    await scene.ledger.raise({ executionId: EXECUTION_ID, by: usd('0.10'), raiseId: 'r1' });
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await response).status).toBe(200);
    await (await response).text();
    expect(await statuses(scene)).toEqual([[ID, 'cancelled']]);
    expect(types(scene)).toEqual(['approval.requested', 'approval.cancelled']);
    expect(await scene.store.getExecution(EXECUTION_ID)).toMatchObject({ status: 'running', openApprovals: 0 });
  });

  it('takes the place of one that asks about an earlier limit, so that one is open', async () => {
    const scene = await asking();
    const first = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(61_000);
    expect((await first).status).toBe(409);
    // Whoever raised it was cut off before they withdrew it, and no call waited.
    await scene.ledger.raise({ executionId: EXECUTION_ID, by: usd('0.01'), raiseId: 'r1' });
    const second = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(61_000);
    expect((await second).status).toBe(409);
    expect(await statuses(scene)).toEqual([
      [ID, 'cancelled'],
      [raiseApprovalId(SCOPE, 2), 'pending'],
    ]);
    expect(await scene.store.getExecution(EXECUTION_ID)).toMatchObject({ openApprovals: 1 });
    expect(types(scene)).toEqual(['approval.requested', 'approval.cancelled', 'approval.requested']);
  });

  it('waits where a person has agreed and the budget is not raised yet', async () => {
    const scene = await asking();
    scene.upstream.script({ acts: [USED] });
    const response = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(3_000);
    const { approval } = await decide(scene, 'approve');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(scene.upstream.requests).toEqual([]);
    expect(await statuses(scene)).toEqual([[ID, 'granted']]);
    expect(await carryOutRaise(portsOf(scene), approval)).toBe(true);
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await response).status).toBe(200);
    await (await response).text();
  });

  it('asks for the agent whose own budget is used up, beside what is asked for others', async () => {
    const agents: Readonly<Record<string, NanoUsd>> = { write: usd('0.02') };
    const scene = await asking({ limit: usd(1), agents });
    scene.upstream.script({ acts: [USED] });
    const response = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(3_000);
    const agent = { kind: 'agent', executionId: EXECUTION_ID, agent: 'write' } as const;
    const approvalId = raiseApprovalId(agent, 1);
    expect(approvalId).toBe('report:one:budget_raise.write:1');
    expect(await scene.store.getApproval(approvalId)).toMatchObject({ raise: { scope: agent, by: usd('0.07') } });
    await grant(scene, approvalId);
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await response).status).toBe(200);
    await (await response).text();
    expect((await scene.ledger.getScope(agent))?.limit).toBe(usd('0.09'));
    expect((await scene.ledger.getScope(SCOPE))?.limit).toBe(usd(1));
  });

  it('asks nobody where its budget is one of days, which nobody raises', async () => {
    const scene = await asking({ limit: usd(1), windows: { daily: usd('0.05') } });
    const response = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(61_000);
    expect((await response).status).toBe(409);
    expect(await statuses(scene)).toEqual([]);
  });

  it('asks nobody for an execution that is ending', async () => {
    const scene = await asking();
    await scene.store.commit({
      executionId: EXECUTION_ID,
      changes: [{ item: 'execution', set: { ending: { status: 'cancelled', actor: OLGA, reason: 'enough' } } }],
      events: [],
    });
    expect((await scene.call(CALL)).status).toBe(402);
    expect(await statuses(scene)).toEqual([]);
  });

  it('waits unasked where nobody could be asked, and the next call asks', async () => {
    const scene = await asking();
    const { commit } = scene.store;
    scene.store.commit = () => Promise.reject(new Error('throttled'));
    const response = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(61_000);
    expect((await response).status).toBe(409);
    expect(scene.counted).toContain('ExceededNotAnnounced');
    scene.store.commit = commit;
    const next = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(61_000);
    expect((await next).status).toBe(409);
    expect(await statuses(scene)).toEqual([[ID, 'pending']]);
  });

  it('waits a minute in all, however often others leave something that is not enough', async () => {
    const scene = await asking();
    const response = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(40_000);
    await scene.ledger.raise({ executionId: EXECUTION_ID, by: usd('0.01'), raiseId: 'r1' });
    await vi.advanceTimersByTimeAsync(21_000);
    expect((await response).status).toBe(409);
  });
});
