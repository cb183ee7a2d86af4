/** What becomes of approvals to raise a budget beside the decision: in `reconcile`, at the end, in the graph. */
import { beforeEach, describe, expect, it } from 'vitest';
import { overdueApprovals } from '../../../lambdas/reconcile/checks/overdue-approvals.ts';
import { relayItem } from '../../../lambdas/relay-events/relay.ts';
import { decideApproval } from '../../../lib/approvals/decide-approval.ts';
import { expireApproval } from '../../../lib/approvals/expire.ts';
import { raiseApprovalId } from '../../../lib/approvals/raise-approval.ts';
import { verifyChain } from '../../../lib/audit/chain.ts';
import { usd } from '../../../lib/budget/money.ts';
import { GRAPH } from '../../../lib/execution/actors.ts';
import type { ApprovalRecord } from '../../../lib/execution/records.ts';
import { beforeNextCommit, EXECUTION_ARN, EXECUTION_ID } from '../../_helpers/execution-scene.ts';
import { GATED, GATED_WORKFLOW, GateScene } from '../../_helpers/gate-scene.ts';
import { aRaiseApproval } from '../../_helpers/raise-samples.ts';

const SCOPE = { kind: 'execution', executionId: EXECUTION_ID } as const;
const ID = raiseApprovalId(SCOPE, 1);

let scene: GateScene;
let told: string[];
beforeEach(() => {
  scene = new GateScene();
  told = [];
});

/** The execution has $0.10, and a call of it asks for more. */
async function asking(fields: Partial<ApprovalRecord> = {}): Promise<ApprovalRecord> {
  const budget = { execution: usd('0.10'), agents: {}, alertsAt: [], onExceeded: 'ask' } as const;
  await scene.openedBy('ada', { table: 'orders' }, { ...GATED_WORKFLOW, budget });
  const execution = await scene.execution();
  const approval = aRaiseApproval(execution, fields);
  scene.executions.seed({
    executions: [{ ...execution, status: 'waiting_approval', openApprovals: 1 }],
    approvals: [approval],
  });
  return approval;
}
/** And the function that was to raise the budget was killed. */
const grant = () =>
  decideApproval(scene, 'default', ID, { personId: 'joan', roles: ['budget-owner'], decision: 'approve', via: 'api' });
async function reconcile() {
  const resumeApprovals = async (ids: readonly string[]) => void told.push(...ids);
  const { repaired, failures } = await overdueApprovals.run({ ...scene, resumeApprovals, remainingMs: () => 50_000 });
  return { repaired, failures };
}
const limit = async () => (await scene.ledger.getScope(SCOPE))?.limit;
const raised = () =>
  scene.ledger.announcements().flatMap(({ events }) => events.filter(({ eventType }) => eventType === 'budget.raised'));
const cancellations = () =>
  scene.executions.events(EXECUTION_ID).filter(({ eventType }) => eventType === 'approval.cancelled');

describe('`reconcile`', () => {
  it('raises what was granted and not raised, once, in the name of who granted it', async () => {
    await asking();
    await grant();
    expect(await reconcile()).toEqual({ repaired: 0, failures: [] });
    expect(await limit()).toBe(usd('0.10'));
    scene.clock.advance(31);
    expect(await reconcile()).toEqual({ repaired: 1, failures: [] });
    expect(await limit()).toBe(usd('0.18'));
    expect(raised()).toMatchObject([{ actor: { type: 'person', id: 'joan' }, data: { approvalId: ID } }]);
    expect(await scene.approval(ID)).toMatchObject({ status: 'granted', resumedAt: scene.clock.now().toISOString() });
    scene.clock.advance(3600);
    expect(await reconcile()).toEqual({ repaired: 0, failures: [] });
    expect(await scene.executions.due('approval', new Date('2030-01-01'), 10)).toEqual([]);
    expect(await limit()).toBe(usd('0.18'));
    // No state waits for it.
    expect(told).toEqual([]);
  });

  it('tells of what was raised and not told, and raises it no second time', async () => {
    await asking();
    await grant();
    await scene.ledger.raise({ executionId: EXECUTION_ID, by: usd('0.08'), raiseId: ID });
    scene.clock.advance(31);
    expect(await reconcile()).toEqual({ repaired: 1, failures: [] });
    expect(await limit()).toBe(usd('0.18'));
    expect(raised()).toHaveLength(1);
  });

  it('tries again in the next run what failed', async () => {
    await asking();
    await grant();
    scene.clock.advance(31);
    const { raise } = scene.ledger;
    scene.ledger.raise = () => Promise.reject(new Error('throttled'));
    expect(await reconcile()).toMatchObject({ repaired: 0, failures: [new Error('throttled')] });
    scene.ledger.raise = raise;
    scene.clock.advance(60);
    expect(await reconcile()).toEqual({ repaired: 1, failures: [] });
    expect(await limit()).toBe(usd('0.18'));
  });

  it('withdraws what asks about a limit of the past', async () => {
    await asking();
    await scene.ledger.raise({ executionId: EXECUTION_ID, by: usd('0.02'), raiseId: 'r1' });
    scene.clock.advance(121);
    expect(await reconcile()).toEqual({ repaired: 1, failures: [] });
    expect(await scene.approval(ID)).toMatchObject({ status: 'cancelled' });
    expect(await scene.execution()).toMatchObject({ status: 'running', openApprovals: 0 });
  });

  it('leaves what waits for a person, and looks at it no more', async () => {
    await asking();
    scene.clock.advance(121);
    expect(await reconcile()).toEqual({ repaired: 0, failures: [] });
    expect(await scene.approval(ID)).toMatchObject({ status: 'pending' });
    expect(await scene.executions.due('approval', new Date('2030-01-01'), 10)).toEqual([]);
  });

  it('leaves what was rejected', async () => {
    await asking();
    const no = { personId: 'joan', roles: ['budget-owner'], decision: 'reject', comment: 'no', via: 'api' } as const;
    await decideApproval(scene, 'default', ID, no);
    scene.clock.advance(31);
    expect(await reconcile()).toEqual({ repaired: 0, failures: [] });
    expect(await limit()).toBe(usd('0.10'));
    expect(await scene.executions.due('approval', new Date('2030-01-01'), 10)).toEqual([]);
  });
});

describe('the end of the execution', () => {
  it('withdraws what is asked, where an agent ended well without it: in the transaction of the end', async () => {
    await asking();
    expect(await scene.close({ literal: 'done' })).toMatchObject({ ok: true });
    expect(await scene.approval(ID)).toMatchObject({ status: 'cancelled', version: 2 });
    expect(await scene.approval(ID)).not.toHaveProperty('checkAt');
    expect(cancellations()).toMatchObject([{ stepPath: 'plan', data: { approvalId: ID } }]);
    expect(scene.events().slice(-2)).toEqual(['approval.cancelled', 'workflow.succeeded']);
    for (const item of scene.executions.outbox(EXECUTION_ID)) await relayItem(scene, item, item);
    const { items } = await scene.audit.list(EXECUTION_ID, 0, 1000);
    expect(verifyChain(items, (await scene.execution()).eventCount)).toMatchObject({ ok: true });
  });

  it('leaves none pending that was asked for in the very moment', async () => {
    await asking();
    const second = aRaiseApproval(await scene.execution(), { agent: 'planner' });
    beforeNextCommit(scene.executions, async () => {
      const { approvalId } = second;
      await scene.executions.commit({
        executionId: EXECUTION_ID,
        changes: [
          { item: 'approval', approvalId, put: second },
          { item: 'execution', set: { openApprovals: 2 } },
        ],
        events: [],
      });
    });
    expect(await scene.close({ literal: 'done' })).toMatchObject({ ok: true });
    const approvals = await scene.executions.listApprovals(EXECUTION_ID);
    expect(approvals.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
  });

  it('withdraws it as well where the execution is stopped', async () => {
    await asking();
    await scene.beginToCancel('enough');
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    await scene.end();
    expect(await scene.approval(ID)).toMatchObject({ status: 'cancelled' });
    expect(cancellations()).toMatchObject([{ stepPath: 'plan', data: { approvalId: ID, reason: 'enough' } }]);
  });

  it('needs no raise that was granted before', async () => {
    await asking();
    await grant();
    expect(await scene.close({ literal: 'done' })).toMatchObject({ ok: true });
    scene.clock.advance(3600);
    expect(await reconcile()).toEqual({ repaired: 0, failures: [] });
    expect(await limit()).toBe(usd('0.10'));
    expect(await scene.executions.due('approval', new Date('2030-01-01'), 10)).toEqual([]);
  });
});

describe('the graph', () => {
  it('takes it for no approval of a step: it does not expire, resumes nothing, and nothing acts under it', async () => {
    await asking();
    expect(await expireApproval(scene, ID, GRAPH, 'cancel')).toMatchObject({ status: 'pending' });
    await grant();
    scene.tokens.tokens.set(ID, 'stray');
    expect(await scene.resume(ID)).toEqual({ resumed: 0 });
    expect(scene.waiting.resumed).toEqual([]);
    expect(await scene.prepare(GATED)).toMatchObject({ route: 'ask', approvalId: scene.approvalId() });
  });
});
