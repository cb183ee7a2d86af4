import { beforeEach, describe, expect, it } from 'vitest';
import { overdueApprovals } from '../../../lambdas/reconcile/checks/overdue-approvals.ts';
import type { ReconcilePorts } from '../../../lambdas/reconcile/ports.ts';
import type { LambdaStepConfig, PrepareAnswer } from '../../../lib/execution/machine.ts';
import { beforeNextCommit, EXECUTION_ARN, EXECUTION_ID } from '../../_helpers/execution-scene.ts';
import { aGroup } from '../../_helpers/fakes/fake-people-store.ts';
import { CONFIRM, GATED, GATED_WORKFLOW, GateScene, POLICY, REQUIRING } from '../../_helpers/gate-scene.ts';

let scene: GateScene;
beforeEach(async () => {
  scene = new GateScene();
  scene.invoker.answer = async () => ({ ok: true, output: { risk: 1 } });
  await scene.openedBy('ada');
});

const errorOf = async (attempt = 1) => (await scene.attempt('apply', attempt)).error?.code;
/** Asked, and its state waits with `token-1`. */
async function asked(step: LambdaStepConfig = GATED): Promise<PrepareAnswer> {
  const prepared = await scene.prepare(step);
  scene.waiting.waiting.add('token-1');
  await scene.ask(prepared);
  return prepared;
}
async function granted(step: LambdaStepConfig = GATED): Promise<PrepareAnswer> {
  const prepared = await asked(step);
  await scene.decide('bob');
  await scene.resume();
  return prepared;
}
const reconcilePorts = (): ReconcilePorts => ({
  ...scene,
  resumeApprovals: async (approvalIds) => {
    for (const id of approvalIds) await scene.resume(id);
  },
  remainingMs: () => 50_000,
});

describe('a gated step', () => {
  it('is frozen and asked for, and the execution waits', async () => {
    const prepared = await scene.prepare(GATED);
    expect(prepared).toMatchObject({ attempt: 1, route: 'ask', approvalId: 'report:one:apply:1' });
    expect(await scene.execution()).toMatchObject({ status: 'waiting_approval', openApprovals: 1 });
    expect(await scene.attempt('apply')).toMatchObject({ status: 'waiting_approval' });
    const { payloadHash } = await scene.attempt('apply');
    expect(await scene.approval()).toMatchObject({
      status: 'pending',
      approvedHash: payloadHash,
      groups: POLICY.from,
      requester: { id: 'ada' },
      expiresAt: '2026-01-01T04:00:01.000Z',
    });
    expect(scene.events().slice(-2)).toEqual(['step.prepared', 'approval.requested']);
    // The same entry again asks nobody twice.
    const enteredAt = (await scene.attempt('apply')).enteredAt;
    expect(await scene.prepare(GATED, enteredAt)).toMatchObject({ route: 'ask', approvalId: prepared.approvalId });
    expect(await scene.executions.listApprovals(EXECUTION_ID)).toHaveLength(1);
  });

  it('runs once it is granted, once, and exactly what was approved', async () => {
    const prepared = await asked();
    expect((await scene.decide('bob')).kind).toBe('granted');
    expect(await scene.execution()).toMatchObject({ status: 'running', openApprovals: 0 });
    expect(await scene.resume()).toEqual({ resumed: 1 });
    expect(scene.waiting.resumed).toEqual([{ token: 'token-1', output: { decision: 'granted' } }]);
    expect(await scene.invoke(prepared)).toEqual({ invoked: true, exit: 'ok' });
    expect(scene.invoker.invocations.map(({ input }) => input)).toEqual([{ table: 'orders' }]);
    expect(await scene.approval()).toMatchObject({ claimedBy: { path: 'apply', attempt: 1 } });
    expect(await scene.invoke(prepared)).toMatchObject({ invoked: false });
    expect(await scene.finish(prepared, GATED)).toMatchObject({ next: 'ok' });
    expect(scene.events().filter((type) => type.startsWith('approval.'))).toEqual([
      'approval.requested',
      'approval.granted',
      'approval.claimed',
    ]);
  });

  it('ends the execution as rejected, by whom, when somebody says no', async () => {
    const prepared = await asked();
    await scene.decide('bob', 'reject');
    await scene.resume();
    expect(scene.waiting.resumed.at(-1)?.output).toEqual({ decision: 'refused' });
    expect(await scene.finish(prepared, GATED)).toMatchObject({ next: 'failed', error: { code: 'approval_rejected' } });
    expect(await scene.attempt('apply')).toMatchObject({ status: 'rejected' });
    expect((await scene.execution()).ending).toMatchObject({
      status: 'rejected',
      actor: { type: 'person', id: 'bob' },
    });
    scene.machines.set(EXECUTION_ARN, { status: 'FAILED', error: 'approval_rejected', cause: 'no' });
    await scene.end();
    expect(await scene.execution()).toMatchObject({ status: 'rejected', error: { code: 'approval_rejected' } });
    expect(scene.events().at(-1)).toBe('workflow.rejected');
    expect(scene.invoker.invocations).toEqual([]);
  });

  it.each([
    ['the requester', 'ada', 'requester_may_not_decide'],
    ['a stranger to the group', 'eve', 'not_an_approver'],
    ['nobody that is known', 'nobody', 'not_an_approver'],
  ])('is not decided by %s', async (_who, personId, code) => {
    await asked();
    await expect(scene.decide(personId)).rejects.toMatchObject({ code });
    expect(await scene.approval()).toMatchObject({ status: 'pending', version: 1 });
  });

  it('is decided once: of two at the same time the second sees the first', async () => {
    await asked();
    beforeNextCommit(scene.executions, () => scene.decide('cyd', 'reject'));
    await expect(scene.decide('bob')).rejects.toMatchObject({
      code: 'already_decided',
      details: { decidedBy: 'cyd', decision: 'reject' },
    });
    expect(await scene.approval()).toMatchObject({ status: 'rejected', version: 2 });
    expect((await scene.decide('cyd', 'reject')).kind).toBe('repeat');
  });

  it('is not another tenant’s to decide, nor to know', async () => {
    await asked();
    await expect(scene.decide('bob', 'approve', 'report:one:apply:9')).rejects.toMatchObject({
      code: 'unknown_approval',
    });
  });
});

describe('two gates at the same time', () => {
  const other = { ...GATED, path: 'other' };
  const otherId = 'report:one:other:1';

  it('keep the execution waiting until both are decided', async () => {
    await scene.prepare(GATED);
    await scene.prepare(other);
    expect(await scene.execution()).toMatchObject({ status: 'waiting_approval', openApprovals: 2 });
    await scene.decide('bob');
    expect(await scene.execution()).toMatchObject({ status: 'waiting_approval', openApprovals: 1 });
    await scene.decide('bob', 'approve', otherId);
    expect(await scene.execution()).toMatchObject({ status: 'running', openApprovals: 0 });
  });

  it('can be decided and used in the very same moment', async () => {
    const [first, second] = [await scene.prepare(GATED), await scene.prepare(other)];
    beforeNextCommit(scene.executions, () => scene.decide('cyd', 'approve', otherId));
    expect((await scene.decide('bob')).kind).toBe('granted');
    beforeNextCommit(scene.executions, () => scene.invoke(second, other));
    expect(await scene.invoke(first)).toMatchObject({ invoked: true });
    expect(scene.invoker.invocations).toHaveLength(2);
    expect(await scene.execution()).toMatchObject({ status: 'running', openApprovals: 0 });
  });

  it('let one act while the other waits', async () => {
    const first = await scene.prepare(GATED);
    await scene.prepare(other);
    await scene.decide('bob');
    expect(await scene.invoke(first)).toMatchObject({ invoked: true });
    expect(await scene.finish(first, GATED)).toMatchObject({ next: 'ok' });
    expect(await scene.execution()).toMatchObject({ status: 'waiting_approval' });
  });
});

describe('a claim', () => {
  it('after a forged success of the waiting state is refused, and the request is closed', async () => {
    const prepared = await asked();
    expect(await scene.invoke(prepared)).toEqual({ invoked: false, code: 'not_approved' });
    expect(scene.invoker.invocations).toEqual([]);
    expect(await scene.finish(prepared, GATED)).toMatchObject({ next: 'failed', error: { code: 'not_approved' } });
    expect(await scene.approval()).toMatchObject({ status: 'cancelled' });
    expect(await scene.execution()).toMatchObject({ status: 'running', ending: { status: 'failed' } });
  });

  it('of a payload that was altered after the approval is refused, and the chain says so', async () => {
    const prepared = await granted();
    const { payload } = await scene.attempt('apply');
    if (payload === undefined) throw new Error('no payload');
    scene.blobs.tamper(EXECUTION_ID, payload, '{"table":"all of them"}');
    expect(await scene.invoke(prepared)).toEqual({ invoked: false, code: 'payload_changed' });
    expect(await errorOf()).toBe('payload_changed');
    expect(scene.invoker.invocations).toEqual([]);
    expect(scene.events().at(-1)).toBe('approval.refused');
    expect(await scene.finish(prepared, GATED)).toMatchObject({ next: 'failed', error: { code: 'payload_changed' } });
  });

  it('too long after the approval is refused', async () => {
    const prepared = await granted();
    scene.clock.advance(POLICY.executeWithinSeconds);
    expect(await scene.invoke(prepared)).toEqual({ invoked: false, code: 'approval_stale' });
  });

  it('is refused when who approved has left the group', async () => {
    const prepared = await granted();
    scene.people.seed({ groups: [aGroup('owners', ['ada', 'cyd'])] });
    expect(await scene.invoke(prepared)).toEqual({ invoked: false, code: 'not_approved' });
  });

  it('is refused while an emergency stop holds', async () => {
    const prepared = await granted();
    await scene.executions.setFreeze({ version: 1, all: false, workflows: ['report'], tenants: [], reason: 'odd' }, []);
    expect(await scene.invoke(prepared)).toEqual({ invoked: false, code: 'frozen' });
    expect(await scene.finish(prepared, GATED)).toMatchObject({ next: 'failed', error: { code: 'frozen' } });
  });

  it('of two calls at the same time acts once', async () => {
    const prepared = await granted();
    beforeNextCommit(scene.executions, () => scene.invoke(prepared));
    expect(await scene.invoke(prepared)).toMatchObject({ invoked: false });
    expect(scene.invoker.invocations).toHaveLength(1);
  });
});

describe('a repeat', () => {
  const RETRIED = { ...GATED, idempotent: true };

  it('of an attempt that was lost before its claim acts under the same approval', async () => {
    const first = await granted(RETRIED);
    expect(await scene.finish(first, RETRIED, { Error: 'Lambda.Unknown', Cause: '' })).toMatchObject({ next: 'again' });
    scene.clock.advance(2);
    const second = await scene.prepare(RETRIED);
    expect(second).toMatchObject({ attempt: 2, route: 'run' });
    expect(await scene.invoke(second, RETRIED)).toMatchObject({ invoked: true });
    expect(await scene.approval()).toMatchObject({ claimedBy: { path: 'apply', attempt: 2 } });
    expect(await scene.executions.listApprovals(EXECUTION_ID)).toHaveLength(1);
  });

  it('of an attempt that got its work asks again', async () => {
    scene.invoker.answer = async () => ({ ok: false, timedOut: false, message: 'boom' });
    const first = await granted(RETRIED);
    await scene.invoke(first, RETRIED);
    expect(await scene.finish(first, RETRIED)).toMatchObject({ next: 'again' });
    scene.clock.advance(2);
    expect(await scene.prepare(RETRIED)).toMatchObject({ attempt: 2, route: 'ask', approvalId: 'report:one:apply:2' });
  });

  it('of something else asks again', async () => {
    const first = await granted(RETRIED);
    await scene.finish(first, RETRIED, { Error: 'Lambda.Unknown', Cause: '' });
    scene.clock.advance(2);
    const changed = { ...RETRIED, timeoutSeconds: 61 };
    expect(await scene.prepare(changed)).toMatchObject({ attempt: 2, route: 'ask' });
  });

  it('after the approval could be used asks again', async () => {
    const first = await granted(RETRIED);
    await scene.finish(first, RETRIED, { Error: 'Lambda.Unknown', Cause: '' });
    scene.clock.advance(POLICY.executeWithinSeconds);
    expect(await scene.prepare(RETRIED)).toMatchObject({ attempt: 2, route: 'ask' });
  });
});

describe('resuming', () => {
  it('finds a decision that came before the state waited', async () => {
    const prepared = await scene.prepare(GATED);
    await scene.decide('bob');
    expect(await scene.resume()).toEqual({ resumed: 0 });
    scene.waiting.waiting.add('token-1');
    expect(await scene.ask(prepared)).toBe('resumed');
    expect(scene.waiting.resumed).toEqual([{ token: 'token-1', output: { decision: 'granted' } }]);
    expect((await scene.approval()).resumedAt).toBeDefined();
  });

  it('is made again where it was cut off after the state was told', async () => {
    await asked();
    await scene.decide('bob');
    await scene.waiting.resume('token-1', { decision: 'granted' });
    expect(await scene.resume()).toEqual({ resumed: 1 });
    expect(await scene.resume()).toEqual({ resumed: 0 });
    expect((await scene.approval()).resumedAt).toBeDefined();
    expect(scene.tokens.tokens.size).toBe(0);
  });

  it('uses the last token, where the state was entered again', async () => {
    const prepared = await asked();
    scene.waiting.waiting.add('token-2');
    await scene.ask(prepared, 'token-2');
    await scene.decide('bob');
    await scene.resume();
    expect(scene.waiting.resumed.map(({ token }) => token)).toEqual(['token-2']);
  });

  it('uses the newest token, where the call of an earlier try is late', async () => {
    const asked = await scene.prepare(GATED);
    const { put } = scene.tokens;
    // The first try is given up, and its call goes on: its token arrives after that of the second.
    scene.tokens.put = async (approvalId, token, askedAt) => {
      if (token === 'token-1') {
        scene.clock.advance(1);
        await scene.ask(asked, 'token-2');
      }
      await put.call(scene.tokens, approvalId, token, askedAt);
    };
    await scene.ask(asked, 'token-1');
    scene.waiting.waiting.add('token-2');
    await scene.decide('bob');
    await scene.resume();
    expect(scene.waiting.resumed).toEqual([{ token: 'token-2', output: { decision: 'granted' } }]);
  });

  it('is made by reconcile where the stream brought nothing', async () => {
    await asked();
    await scene.decide('bob');
    expect(await overdueApprovals.run(reconcilePorts())).toMatchObject({ repaired: 0 });
    scene.clock.advance(31);
    expect(await overdueApprovals.run(reconcilePorts())).toMatchObject({ repaired: 1, failures: [] });
    expect(scene.waiting.resumed).toHaveLength(1);
    expect(await overdueApprovals.run(reconcilePorts())).toMatchObject({ repaired: 0 });
  });
});

describe('time', () => {
  it('expires what nobody decides, and the execution is rejected', async () => {
    const prepared = await asked();
    scene.clock.advance(POLICY.withinSeconds + 1);
    // Not a repair, which would be an alarm.
    expect(await overdueApprovals.run(reconcilePorts())).toMatchObject({ repaired: 0, failures: [] });
    expect(await scene.approval()).toMatchObject({ status: 'expired' });
    expect(scene.waiting.resumed.at(-1)?.output).toEqual({ decision: 'refused' });
    await expect(scene.decide('bob')).rejects.toMatchObject({ code: 'approval_expired' });
    expect(await scene.finish(prepared, GATED)).toMatchObject({ error: { code: 'approval_expired' } });
    expect((await scene.execution()).ending?.status).toBe('rejected');
  });

  it('lets pass what the policy lets pass', async () => {
    const lenient = { ...GATED, effects: 'none', approval: { ...POLICY, otherwise: 'approve' } } as const;
    const prepared = await asked(lenient);
    scene.clock.advance(POLICY.withinSeconds + 1);
    await overdueApprovals.run(reconcilePorts());
    expect(await scene.approval()).toMatchObject({ status: 'granted', votes: [] });
    expect(await scene.invoke(prepared, lenient)).toMatchObject({ invoked: true });
  });

  it('does not expire what was decided in the very moment', async () => {
    await asked();
    await scene.decide('bob');
    scene.clock.advance(POLICY.withinSeconds + 1);
    await overdueApprovals.run(reconcilePorts());
    expect(await scene.approval()).toMatchObject({ status: 'granted' });
  });
});

describe('an end of the execution', () => {
  it('closes what is asked, and no decision counts any more', async () => {
    await asked();
    await scene.beginToCancel();
    await expect(scene.decide('bob')).rejects.toMatchObject({ code: 'execution_closed' });
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    await scene.end();
    expect(await scene.approval()).toMatchObject({ status: 'cancelled' });
    expect(await scene.attempt('apply')).toMatchObject({ status: 'cancelled' });
    expect(scene.events()).toContain('approval.cancelled');
    await expect(scene.decide('bob')).rejects.toMatchObject({ code: 'execution_closed' });
  });
});

describe('a requester that nothing proves', () => {
  it('could be anybody of the group, so that one more has to approve', async () => {
    scene = new GateScene();
    await scene.open({ table: 'orders' }, { workflow: JSON.stringify(GATED_WORKFLOW) });
    await scene.prepare(GATED);
    expect(await scene.approval()).toMatchObject({ groups: [{ group: 'owners', min: 2 }], note: expect.any(String) });
    expect((await scene.decide('bob')).kind).toBe('voted');
    expect((await scene.decide('cyd')).kind).toBe('granted');
  });

  it('is refused at once where the group is too small', async () => {
    for (const members of [['bob'], []]) {
      scene = new GateScene();
      scene.people.seed({ groups: [aGroup('owners', members)] });
      const answer = await scene.open({ table: 'orders' }, { workflow: JSON.stringify(GATED_WORKFLOW) });
      expect(answer).toMatchObject({ ok: false, error: { code: 'approvers_missing' } });
    }
  });

  it('is not needed: a known requester who is alone in the group is refused too', async () => {
    scene = new GateScene();
    scene.people.seed({ groups: [aGroup('owners', ['ada'])] });
    expect(await scene.openedBy('ada')).toMatchObject({ ok: false, error: { code: 'approvers_missing' } });
    scene = new GateScene();
    scene.people.seed({ groups: [aGroup('owners', ['bob'])] });
    expect(await scene.openedBy('ada')).toMatchObject({ ok: true });
  });
});

describe('a gate of its own', () => {
  const gateId = 'report:one:confirm:1';

  async function confirmed(): Promise<void> {
    const gate = await scene.prepare(CONFIRM);
    expect(gate).toMatchObject({ route: 'ask', leaseId: '', approvalId: gateId });
    await scene.decide('bob', 'approve', gateId);
    expect(await scene.finish(gate, CONFIRM)).toMatchObject({ next: 'ok', ref: null });
    expect(await scene.attempt('confirm')).toMatchObject({ status: 'succeeded' });
  }

  it('lets exactly one step act on exactly its subject, once', async () => {
    await confirmed();
    const prepared = await scene.prepare(REQUIRING);
    expect(prepared).toMatchObject({ route: 'run' });
    expect(await scene.invoke(prepared, REQUIRING)).toMatchObject({ invoked: true });
    expect(await scene.approval(gateId)).toMatchObject({ claimedBy: { path: 'apply', attempt: 1 } });
  });

  it('does not let its step be repeated after the claim', async () => {
    scene.invoker.answer = async () => ({ ok: false, timedOut: false, message: 'boom' });
    await confirmed();
    const harmless = { ...REQUIRING, idempotent: true };
    const prepared = await scene.prepare(harmless);
    await scene.invoke(prepared, harmless);
    expect(await scene.finish(prepared, harmless)).toMatchObject({
      next: 'failed',
      error: { code: 'function_failed' },
    });
  });

  it('does not let its step act on anything else', async () => {
    await confirmed();
    const other = { ...REQUIRING, with: { literal: { table: 'other' } } };
    const prepared = await scene.prepare(other);
    expect(prepared).toMatchObject({ route: 'deny' });
    expect(await scene.finish(prepared, other)).toMatchObject({ next: 'failed', error: { code: 'not_approved' } });
  });

  it('that was rejected ends the execution', async () => {
    const gate = await scene.prepare(CONFIRM);
    await scene.decide('bob', 'reject', gateId);
    expect(await scene.finish(gate, CONFIRM)).toMatchObject({ next: 'failed', error: { code: 'approval_rejected' } });
    expect((await scene.execution()).ending?.status).toBe('rejected');
  });

  it('that was never granted lets nothing act, whatever the graph says', async () => {
    await scene.prepare(CONFIRM);
    const prepared = await scene.prepare(REQUIRING);
    expect(await scene.invoke(prepared, REQUIRING)).toMatchObject({ invoked: false, code: 'not_approved' });
  });
});
