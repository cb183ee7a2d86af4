import { beforeEach, describe, expect, it } from 'vitest';
import { usd } from '../../../../lib/budget/money.ts';
import type { ApprovalsAnswer, ApprovalView, ExecutionView } from '../../../../lib/client/api.ts';
import { WfloError } from '../../../../lib/errors.ts';
import type { Actor, ApprovalRecord } from '../../../../lib/execution/records.ts';
import { aPerson, fakePeopleStore } from '../../../_helpers/fakes/fake-people-store.ts';
import { anExecution } from '../../../_helpers/fakes/records.ts';
import { aRaiseApproval } from '../../../_helpers/raise-samples.ts';
import { controlApi, signedBy } from './api-harness.ts';

const ID = 'report:one';
const ASKED = 'report:one:budget_raise:1';
const SCOPE = { kind: 'execution', executionId: ID } as const;
const as = (personId: string) => signedBy(`arn:aws:iam::123456789012:user/${personId}`);

/** Olga started it and owns budgets too, as Bob does; Ada runs the deployment, Vic looks; Mia is of another tenant. */
const people = () =>
  fakePeopleStore().seed({
    people: [
      aPerson({ personId: 'ada', roles: ['administrator'] }),
      aPerson({ personId: 'olga', roles: ['operator', 'budget-owner'] }),
      aPerson({ personId: 'bob', roles: ['budget-owner'] }),
      aPerson({ personId: 'cyd', roles: ['budget-owner'] }),
      aPerson({ personId: 'vic', roles: ['viewer', 'operator', 'auditor'] }),
      aPerson({ personId: 'mia', tenant: 'acme', roles: ['administrator'] }),
    ],
  });

let api: ReturnType<typeof controlApi>;
beforeEach(() => {
  api = controlApi({ people: people() });
});

/** The execution has $0.10, and a call that needs $0.08 more waits. */
async function asking(fields: Parameters<typeof anExecution>[0] = {}, ...more: ApprovalRecord[]): Promise<void> {
  const requester: Actor = { type: 'person', id: 'olga', via: 'api' };
  const execution = anExecution({
    ...{ status: 'waiting_approval', openApprovals: 1 + more.length, requester },
    ...{ steps: [{ path: 'plan', kind: 'sandbox' }], startedAt: '2026-11-24T11:59:00.000Z' },
    ...fields,
  });
  api.executions.seed({ executions: [execution], approvals: [aRaiseApproval(execution), ...more] });
  await api.ledger.openExecution({
    ...{ executionId: ID, tenant: 'default', workflow: 'report', limit: usd('0.10') },
    ...{ agents: { planner: usd('0.05') }, alertsAt: [], windows: {} },
  });
}
const path = (approvalId = ASKED) => `/v1/approvals/${encodeURIComponent(approvalId)}`;
const decide = (personId: string, request: object = { decision: 'approve' }, approvalId = ASKED) =>
  api.call<ApprovalView>('POST', `${path(approvalId)}/decision`, request, as(personId));
const reject = { decision: 'reject', comment: 'too dear' };
const limit = async () => (await api.ledger.getScope(SCOPE))?.limit;
const types = () => api.executions.events(ID).map(({ eventType }) => eventType);
const raised = () =>
  api.ledger.announcements().flatMap(({ events }) => events.filter(({ eventType }) => eventType === 'budget.raised'));
const refused = (status: number, code: string) => ({ status, body: { error: { code } } });

describe('an approval to raise a budget', () => {
  it('is listed and shown with what is asked for, and in the status of its execution', async () => {
    await asking();
    const raise = { limitUsd: 0.1, spentUsd: 0.09, heldUsd: 0, neededUsd: 0.09, byUsd: 0.08 };
    const summary = { approvalId: ASKED, kind: 'budget', stepPath: 'plan', status: 'pending', groups: [], raise };
    const list = await api.call<ApprovalsAnswer>('GET', '/v1/approvals', undefined, as('vic'));
    expect(list.body.approvals).toMatchObject([{ ...summary, roles: ['budget-owner', 'administrator'] }]);
    const { body } = await api.call<ApprovalView>('GET', path(), undefined, as('vic'));
    expect(body).toMatchObject({ ...summary, executeBy: null, claims: [] });
    expect(body.rendering).toBe(
      'raises the budget of the execution by $0.08, from $0.10 to $0.18\n' +
        'a model call of plan may cost $0.09; $0.09 are spent, and $0.00 held',
    );
    const view = await api.call<ExecutionView>('GET', '/v1/executions/report%3Aone', undefined, as('vic'));
    expect(view.body).toMatchObject({ status: 'waiting_approval', budgetApprovals: [ASKED] });
    expect(await api.call('GET', path(), undefined, as('mia'))).toMatchObject(refused(404, 'unknown_approval'));
  });

  it('that is granted raises it, once, by its id', async () => {
    await asking();
    const { body: view } = await api.call<ApprovalView>('GET', path(), undefined, as('bob'));
    const request = { decision: 'approve', payloadHash: view.payloadHash, comment: 'go on' };
    expect(await decide('bob', request)).toMatchObject({ status: 200, body: { status: 'granted' } });
    expect(await limit()).toBe(usd('0.18'));
    expect(types()).toEqual(['approval.granted']);
    expect(raised()).toMatchObject([
      {
        actor: { type: 'person', id: 'bob' },
        data: { byNanoUsd: usd('0.08'), limitNanoUsd: usd('0.18'), approvalId: ASKED },
      },
    ]);
    expect(await api.executions.getExecution(ID)).toMatchObject({ status: 'running', openApprovals: 0 });
    const approval = await api.executions.getApproval(ASKED);
    expect(approval).toMatchObject({ resumedAt: '2026-11-24T12:00:00.000Z' });
    expect(approval).not.toHaveProperty('checkAt');
    // The same again is the same.
    expect(await decide('bob')).toMatchObject({ status: 200, body: { status: 'granted' } });
    expect(await limit()).toBe(usd('0.18'));
    expect(raised()).toHaveLength(1);
    expect(await decide('cyd')).toMatchObject(refused(409, 'already_decided'));
    expect(await decide('bob', reject)).toMatchObject(refused(409, 'already_decided'));
  });

  it('that is rejected raises nothing, and the execution goes on', async () => {
    await asking();
    expect(await decide('bob', { decision: 'reject', comment: ' ' })).toMatchObject(refused(400, 'invalid_request'));
    expect(await decide('bob', reject)).toMatchObject({ status: 200, body: { status: 'rejected' } });
    expect(await limit()).toBe(usd('0.10'));
    expect(types()).toEqual(['approval.rejected']);
    expect(raised()).toEqual([]);
    expect(await api.executions.getExecution(ID)).toMatchObject({ status: 'running', openApprovals: 0 });
    expect(await decide('cyd')).toMatchObject(refused(409, 'already_decided'));
  });

  it.each([
    ['whoever started it, whatever their roles', 'olga', refused(403, 'requester_may_not_decide')],
    ['who may not raise budgets', 'vic', refused(403, 'forbidden')],
    ['people of another tenant', 'mia', refused(404, 'unknown_approval')],
  ])('is not for %s', async (_who, personId, answer) => {
    await asking();
    expect(await decide(personId)).toMatchObject(answer);
    expect(await decide(personId, reject)).toMatchObject(answer);
    expect(await limit()).toBe(usd('0.10'));
    expect(await api.executions.getApproval(ASKED)).toMatchObject({ status: 'pending', version: 1 });
  });

  it('is for administrators alone where nothing proves who started it', async () => {
    await asking({ requester: { type: 'unverified', id: 'unknown', via: 'step-functions' } });
    expect(await decide('bob')).toMatchObject(refused(403, 'forbidden'));
    expect(await decide('ada')).toMatchObject({ status: 200 });
    expect(await limit()).toBe(usd('0.18'));
  });

  it('is not decided by who was shown something else', async () => {
    await asking();
    const request = { decision: 'approve', payloadHash: 'b'.repeat(64) };
    expect(await decide('bob', request)).toMatchObject(refused(409, 'approval_mismatch'));
  });

  it('is not decided any more where its execution has ended, or is ending', async () => {
    const ending = { status: 'cancelled', actor: { type: 'person', id: 'ada', via: 'api' }, reason: 'enough' } as const;
    await asking({ ending });
    expect(await decide('bob')).toMatchObject(refused(409, 'execution_closed'));
    expect(await limit()).toBe(usd('0.10'));
  });

  it('raises by a repeat what the first was cut off before', async () => {
    await asking();
    const { raise } = api.ledger;
    api.ledger.raise = () => Promise.reject(new WfloError('ledger_busy', 'the ledger is busy'));
    expect(await decide('bob')).toMatchObject({ status: 429 });
    expect(await api.executions.getApproval(ASKED)).toMatchObject({ status: 'granted', checkAt: expect.any(String) });
    expect(await limit()).toBe(usd('0.10'));
    api.ledger.raise = raise;
    expect(await decide('bob')).toMatchObject({ status: 200 });
    expect(await limit()).toBe(usd('0.18'));
    expect(raised()).toHaveLength(1);
  });

  it('tells by a repeat of a raise that was cut off before it was told', async () => {
    await asking();
    const { announceOnce } = api.ledger;
    api.ledger.announceOnce = () => Promise.reject(new WfloError('ledger_busy', 'the ledger is busy'));
    expect(await decide('bob')).toMatchObject({ status: 429 });
    expect(await limit()).toBe(usd('0.18'));
    api.ledger.announceOnce = announceOnce;
    expect(await decide('bob')).toMatchObject({ status: 200 });
    expect(await limit()).toBe(usd('0.18'));
    expect(raised()).toHaveLength(1);
  });

  it('is decided by one of two at the same time', async () => {
    await asking();
    const answers = await Promise.all([decide('bob'), decide('cyd', reject)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const granted = (await api.executions.getApproval(ASKED))?.status === 'granted';
    expect(await limit()).toBe(usd(granted ? '0.18' : '0.10'));
  });

  it('whose record was altered is not shown', async () => {
    await asking();
    const approval = await api.executions.getApproval(ASKED);
    if (approval?.raise === undefined) throw new Error('no approval');
    api.executions.seed({ approvals: [{ ...approval, raise: { ...approval.raise, by: usd(100) } }] });
    expect(await api.call('GET', path(), undefined, as('bob'))).toMatchObject(refused(500, 'payload_changed'));
  });
});

describe('`wflo budget raise` meanwhile', () => {
  const raise = (request: object = { byUsd: '0.02', raiseId: 'r1' }) =>
    api.call('POST', '/v1/executions/report%3Aone/budget', request, as('bob'));
  const agentAsks = () =>
    aRaiseApproval(anExecution({ startedAt: '2026-11-24T11:59:00.000Z' }), { agent: 'planner', limit: '0.05' });

  it('answers what is asked of that budget: nobody is asked any more', async () => {
    await asking({}, agentAsks());
    expect(await raise()).toMatchObject({ status: 200 });
    expect(await api.executions.getApproval(ASKED)).toMatchObject({ status: 'cancelled' });
    expect(api.executions.events(ID)).toMatchObject([
      {
        eventType: 'approval.cancelled',
        stepPath: 'plan',
        actor: { id: 'bob' },
        data: { approvalId: ASKED, reason: 'bob raised the budget by $0.02' },
      },
    ]);
    // What is asked of another budget stays.
    expect(await api.executions.getApproval('report:one:budget_raise.planner:1')).toMatchObject({ status: 'pending' });
    expect(await api.executions.getExecution(ID)).toMatchObject({ status: 'waiting_approval', openApprovals: 1 });
    expect(await decide('cyd')).toMatchObject(refused(409, 'already_decided'));
    expect(await limit()).toBe(usd('0.12'));
    await raise({ byUsd: '0.02', agent: 'planner', raiseId: 'r2' });
    expect(await api.executions.getExecution(ID)).toMatchObject({ status: 'running', openApprovals: 0 });
  });

  it('leaves nothing that raises it a second time, also where it was cut off', async () => {
    await asking();
    await api.ledger.raise({ executionId: ID, by: usd('0.02'), raiseId: 'r1' });
    expect(await decide('cyd')).toMatchObject(refused(409, 'already_decided'));
    expect(await limit()).toBe(usd('0.12'));
    expect(types()).toEqual(['approval.cancelled']);
  });

  it('closes it by a repeat', async () => {
    await asking();
    await api.ledger.raise({ executionId: ID, by: usd('0.02'), raiseId: 'r1' });
    expect(await raise()).toMatchObject({ status: 200 });
    expect(await limit()).toBe(usd('0.12'));
    expect(await api.executions.getApproval(ASKED)).toMatchObject({ status: 'cancelled' });
  });
});
