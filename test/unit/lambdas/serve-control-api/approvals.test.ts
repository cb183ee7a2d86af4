import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ApprovalsAnswer, ApprovalView, DecisionRequest } from '../../../../lib/client/api.ts';
import { type LambdaPayload, payloadHash } from '../../../../lib/execution/payload.ts';
import type { ApprovalRecord } from '../../../../lib/execution/records.ts';
import type { Json } from '../../../../lib/json.ts';
import { anApproval } from '../../../_helpers/approval-samples.ts';
import { beforeNextCommit } from '../../../_helpers/execution-scene.ts';
import { aGroup, aPerson, fakePeopleStore } from '../../../_helpers/fakes/fake-people-store.ts';
import { anAttempt, anExecution } from '../../../_helpers/fakes/records.ts';
import { controlApi, signedBy } from './api-harness.ts';

const ID = 'report:one:write:1';
const as = (personId: string) => signedBy(`arn:aws:iam::123456789012:user/${personId}`);
const refused = (status: number, code: string) => ({ status, body: { error: { code } } });

const PAYLOAD: LambdaPayload = {
  schema: 1,
  kind: 'lambda',
  executionId: 'report:one',
  workflow: 'report',
  definitionHash: 'd'.repeat(64),
  path: 'write',
  timeoutSeconds: 60,
  functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:write:3',
  with: { table: 'orders', ids: [1, 2] },
};
const HASH = payloadHash(PAYLOAD);

/** Of the tenant `default`: Rex asked, `owners` are Rex, Bob and Cyd. Eve reads, Max may do nothing, Mia is of `acme`. */
const people = () =>
  fakePeopleStore().seed({
    people: [
      ...['rex', 'bob', 'cyd', 'max'].map((personId) => aPerson({ personId })),
      aPerson({ personId: 'eve', roles: ['viewer'] }),
      aPerson({ personId: 'mia', tenant: 'acme', roles: ['administrator'] }),
    ],
    groups: [aGroup('owners', ['rex', 'bob', 'cyd']), aGroup('owners', ['mia'], 'acme')],
  });

let api: ReturnType<typeof controlApi>;
beforeEach(() => {
  api = controlApi({ people: people() });
});

function asked(fields: Partial<ApprovalRecord> = {}): ApprovalRecord {
  return anApproval({
    requestedAt: '2026-11-24T11:00:00.000Z',
    expiresAt: '2026-11-24T15:00:00.000Z',
    checkAt: '2026-11-24T15:00:00.000Z',
    approvedHash: HASH,
    ...fields,
  });
}

/** The execution `report:one` waits for its approval. */
async function waiting(fields: Partial<ApprovalRecord> = {}): Promise<void> {
  const payload = await api.blobs.put('report:one', `payload/write/${HASH}`, PAYLOAD as unknown as Json);
  api.executions.seed({
    executions: [anExecution({ status: 'waiting_approval', openApprovals: 1 })],
    attempts: [anAttempt({ kind: 'lambda', status: 'waiting_approval', payload, payloadHash: HASH, approvalId: ID })],
    approvals: [asked({ payload, ...fields })],
  });
}
async function tamper(): Promise<void> {
  const { payload } = await stored();
  if (payload === undefined) throw new Error('no payload');
  api.blobs.tamper('report:one', payload, '{"kind":"lambda","with":{"table":"all of them"}}');
}
async function stored(): Promise<ApprovalRecord> {
  const approval = await api.executions.getApproval(ID);
  if (approval === undefined) throw new Error('no approval');
  return approval;
}
const eventTypes = () => api.executions.events().map(({ eventType }) => eventType);

function decide(personId: string, request: Partial<DecisionRequest> = {}, id = ID) {
  return api.call<ApprovalView>(
    'POST',
    `/v1/approvals/${id}/decision`,
    { decision: 'approve', ...request },
    as(personId),
  );
}
function show(personId: string, id = ID) {
  return api.call<ApprovalView>('GET', `/v1/approvals/${id}`, undefined, as(personId));
}
function list(personId: string, query = '') {
  return api.call<ApprovalsAnswer>('GET', `/v1/approvals${query}`, undefined, as(personId));
}

describe('a list of approvals', () => {
  /** `one` to `five` in the order in which they were asked for; `two` and `four` are decided. */
  const names = ['one', 'two', 'three', 'four', 'five'] as const;
  const many = (tenant = 'default') =>
    names.map((name, index) =>
      asked({
        executionId: `report:${tenant === 'default' ? '' : `${tenant}-`}${name}`,
        tenant,
        status: name === 'two' ? 'granted' : name === 'four' ? 'rejected' : 'pending',
        requestedAt: `2026-11-24T11:00:0${index}.000Z`,
      }),
    );
  const idsOf = ({ body }: { body: ApprovalsAnswer }) => body.approvals.map(({ executionId }) => executionId);

  it('has what is pending, newest first, and not what it asks about', async () => {
    api.executions.seed({ approvals: many() });
    const answer = await list('eve');
    expect(answer.status).toBe(200);
    expect(idsOf(answer)).toEqual(['report:five', 'report:three', 'report:one']);
    expect(answer.body).not.toHaveProperty('cursor');
    expect(answer.body.approvals[0]).toEqual({
      approvalId: 'report:five:write:1',
      executionId: 'report:five',
      workflow: 'report',
      stepPath: 'write',
      kind: 'lambda',
      status: 'pending',
      risk: null,
      payloadHash: HASH,
      requester: { id: 'rex', verified: true },
      requestedAt: '2026-11-24T11:00:04.000Z',
      expiresAt: '2026-11-24T15:00:00.000Z',
      decidedAt: null,
      executeBy: null,
      groups: [{ group: 'owners', min: 1 }],
      decisions: [],
      claimedAt: null,
    });
  });

  it('has the decided ones too when all are asked for', async () => {
    api.executions.seed({ approvals: many() });
    expect(idsOf(await list('eve', '?all=true'))).toEqual([...names].reverse().map((name) => `report:${name}`));
    expect(idsOf(await list('eve', '?all=false'))).toHaveLength(3);
  });

  it('comes in pages, of which none repeats or leaves out one', async () => {
    api.executions.seed({ approvals: many() });
    const found: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page: { body: ApprovalsAnswer } = await list(
        'eve',
        `?all=true&limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`,
      );
      found.push(...idsOf(page));
      cursor = page.body.cursor;
      pages += 1;
    } while (cursor !== undefined);
    expect(pages).toBe(3);
    expect(found).toEqual([...names].reverse().map((name) => `report:${name}`));
  });

  it('has nothing of another tenant, also from the cursor of one', async () => {
    api.executions.seed({ approvals: [...many(), ...many('acme')] });
    const own = await list('mia', '?all=true&limit=3');
    expect(idsOf(own)).toEqual(['report:acme-five', 'report:acme-four', 'report:acme-three']);
    const rest = await list('eve', `?all=true&cursor=${own.body.cursor}`);
    expect(idsOf(rest)).toEqual(['report:two', 'report:one']);
  });

  it('says of a requester that nothing proves that nothing does', async () => {
    const requester = { type: 'unverified', id: 'unknown', via: 'step-functions' } as const;
    api.executions.seed({ approvals: [asked({ requester, note: 'one more has to approve' })] });
    expect((await list('eve')).body.approvals[0]).toMatchObject({
      requester: { id: 'unknown', verified: false },
      note: 'one more has to approve',
    });
  });

  it.each(['?all=yes', '?limit=0', '?limit=101', '?cursor=nonsense', '?status=pending'])(
    'is refused for %s',
    async (query) => {
      expect(await list('eve', query)).toMatchObject(refused(400, 'invalid_request'));
    },
  );
});

describe('an approval', () => {
  it('shows what is asked about, made from the frozen bytes, and what of it an agent wrote', async () => {
    await waiting({ claims: [{ field: 'with.ids', step: 'plan' }] });
    const { status, body } = await show('bob');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      approvalId: ID,
      status: 'pending',
      payloadHash: HASH,
      claims: [{ field: 'with.ids', step: 'plan' }],
    });
    expect(body.payload).toEqual(PAYLOAD);
    expect(body.rendering).toContain(`write: invokes ${PAYLOAD.functionArn}`);
    expect(body.rendering).toContain('! with.ids was written by the agent of plan');
  });

  it('that cannot be read as it was frozen is told as that, without what is there now', async () => {
    await waiting();
    await tamper();
    const answer = await show('bob');
    expect(answer).toMatchObject(refused(500, 'payload_changed'));
    expect(JSON.stringify(answer)).not.toContain('all of them');
    expect(api.unexpected).toMatchObject([{ code: 'payload_changed' }]);
  });

  it('never shows anything else than what has the hash that is approved', async () => {
    await waiting();
    const other: LambdaPayload = { ...PAYLOAD, with: { table: 'harmless' } };
    const payload = await api.blobs.put('report:one', 'payload/write/other', other as unknown as Json);
    await api.executions.commit({
      executionId: 'report:one',
      changes: [{ item: 'approval', approvalId: ID, set: { payload } }],
      events: [],
    });
    expect(await show('bob')).toMatchObject(refused(500, 'payload_changed'));
  });

  it.each([
    ['an id that nothing has', 'report:one:write:2'],
    ['the id of an execution', 'report:one'],
    ['no id at all', 'x'],
  ])('is not found under %s', async (_what, id) => {
    await waiting();
    expect(await show('bob', id)).toMatchObject(refused(404, 'unknown_approval'));
  });

  it('of another tenant is not found, as if there were none', async () => {
    await waiting();
    const theirs = await show('mia');
    expect(theirs).toMatchObject(refused(404, 'unknown_approval'));
    const none = await show('mia', 'report:two:write:1');
    expect(JSON.stringify(theirs.body)).toBe(JSON.stringify(none.body).replaceAll('report:two', 'report:one'));
  });
});

describe('approving', () => {
  it('grants, with record, attempt, execution and event', async () => {
    await waiting();
    const { status, body } = await decide('bob', { payloadHash: HASH, comment: 'looks right' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'granted',
      decidedAt: '2026-11-24T12:00:00.000Z',
      executeBy: '2026-11-24T12:30:00.000Z',
      decisions: [{ personId: 'bob', decision: 'approve', comment: 'looks right', via: 'api' }],
      payload: PAYLOAD,
    });
    expect(await api.executions.getExecution('report:one')).toMatchObject({ status: 'running', openApprovals: 0 });
    expect(await api.executions.getAttempt('report:one', 'write', 1)).toMatchObject({ status: 'prepared' });
    expect(api.executions.events()).toMatchObject([
      {
        eventType: 'approval.granted',
        actor: { type: 'person', id: 'bob', via: 'api' },
        data: { approvalId: ID, payloadHash: HASH, approvers: ['bob'], comment: 'looks right' },
      },
    ]);
    expect((await list('eve')).body.approvals).toEqual([]);
  });

  it('is recorded and not yet enough where two are needed', async () => {
    await waiting({ groups: [{ group: 'owners', min: 2 }] });
    expect(await decide('bob')).toMatchObject({ status: 200, body: { status: 'pending' } });
    expect(await api.executions.getExecution('report:one')).toMatchObject({ status: 'waiting_approval' });
    expect(await decide('cyd')).toMatchObject({ status: 200, body: { status: 'granted' } });
    expect(eventTypes()).toEqual(['approval.voted', 'approval.granted']);
  });

  it('of two at the same moment is enough where two are needed', async () => {
    await waiting({ groups: [{ group: 'owners', min: 2 }] });
    const answers = await Promise.all([decide('bob'), decide('cyd')]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(await stored()).toMatchObject({ status: 'granted', version: 3 });
    expect(eventTypes()).toEqual(['approval.voted', 'approval.granted']);
  });
});

describe('rejecting', () => {
  it('needs a reason', async () => {
    await waiting();
    expect(await decide('bob', { decision: 'reject' })).toMatchObject(refused(400, 'invalid_request'));
    expect(await decide('bob', { decision: 'reject', comment: '  ' })).toMatchObject(refused(400, 'invalid_request'));
    expect(await stored()).toMatchObject({ status: 'pending', version: 1, votes: [] });
  });

  it('takes one person and a reason', async () => {
    await waiting({ groups: [{ group: 'owners', min: 2 }] });
    expect(await decide('bob', { decision: 'reject', comment: 'wrong table' })).toMatchObject({
      status: 200,
      body: { status: 'rejected', executeBy: null, decisions: [{ personId: 'bob', decision: 'reject' }] },
    });
    expect(api.executions.events()).toMatchObject([
      { eventType: 'approval.rejected', actor: { id: 'bob' }, data: { reason: 'wrong table' } },
    ]);
    expect(await api.executions.getAttempt('report:one', 'write', 1)).toMatchObject({ status: 'waiting_approval' });
  });
});

describe('a decision is refused, and changes nothing,', () => {
  const rows: readonly [string, string, Partial<DecisionRequest>, string, number, string][] = [
    ['of what was not shown', 'bob', { payloadHash: 'b'.repeat(64) }, ID, 409, 'approval_mismatch'],
    ['of what does not exist', 'bob', {}, 'report:one:write:2', 404, 'unknown_approval'],
    ['of what is no approval', 'bob', {}, 'report:one', 404, 'unknown_approval'],
    ['of another tenant, whose group has the same name', 'mia', {}, ID, 404, 'unknown_approval'],
    ['by a reader who is in no group', 'eve', {}, ID, 403, 'not_an_approver'],
    ['by a person without any role', 'max', {}, ID, 403, 'not_an_approver'],
    ['by who asked for it', 'rex', {}, ID, 403, 'requester_may_not_decide'],
    [
      'by who asked for it, to say no',
      'rex',
      { decision: 'reject', comment: 'no' },
      ID,
      403,
      'requester_may_not_decide',
    ],
    ['by nobody who is known', 'zoe', {}, ID, 403, 'unknown_person'],
  ];
  it.each(rows)('%s', async (_what, personId, request, id, status, code) => {
    await waiting();
    const before = await stored();
    expect(await decide(personId, request, id)).toMatchObject(refused(status, code));
    expect(await stored()).toEqual(before);
    expect(eventTypes()).toEqual([]);
  });

  it.each([
    ['without a decision', {}],
    ['with another word for it', { decision: 'yes' }],
    ['in the name of somebody', { decision: 'approve', personId: 'cyd' }],
    ['with a hash that is none', { decision: 'approve', payloadHash: 'abc' }],
    ['with an empty comment', { decision: 'approve', comment: '' }],
    ['with more than 2,000 characters', { decision: 'approve', comment: 'x'.repeat(2001) }],
  ])('%s', async (_what, body) => {
    await waiting();
    const answer = await api.call('POST', `/v1/approvals/${ID}/decision`, body, as('bob'));
    expect(answer).toMatchObject(refused(400, 'invalid_request'));
    expect(await stored()).toMatchObject({ status: 'pending', version: 1 });
  });

  it('by who has left the group', async () => {
    await waiting();
    api.people.seed({ groups: [aGroup('owners', ['rex', 'cyd'])] });
    expect(await decide('bob')).toMatchObject(refused(403, 'not_an_approver'));
  });

  it('in the moment in which it expires, and not in the one before', async () => {
    await waiting();
    api.clock.set('2026-11-24T15:00:00.000Z');
    expect(await decide('bob')).toMatchObject(refused(409, 'approval_expired'));
    expect(await stored()).toMatchObject({ status: 'pending', version: 1 });
    api.clock.set('2026-11-24T14:59:59.999Z');
    expect(await decide('bob')).toMatchObject({ status: 200, body: { status: 'granted' } });
  });

  it.each([
    ['expired', 'approval_expired'],
    ['cancelled', 'execution_closed'],
  ] as const)('once it is %s', async (status, code) => {
    await waiting({ status });
    expect(await decide('bob')).toMatchObject(refused(409, code));
    expect(eventTypes()).toEqual([]);
  });

  it.each([
    ['has ended', { status: 'cancelled' }],
    ['is ending', { ending: { status: 'cancelled', actor: { type: 'person', id: 'eve', via: 'api' }, reason: 'no' } }],
  ] as const)('when its execution %s', async (_what, set) => {
    await waiting();
    await api.executions.commit({ executionId: 'report:one', changes: [{ item: 'execution', set }], events: [] });
    expect(await decide('bob')).toMatchObject(refused(409, 'execution_closed'));
    expect(await stored()).toMatchObject({ status: 'pending', version: 1 });
  });

  it('when its execution begins to end in the very moment', async () => {
    await waiting();
    const ending = { status: 'cancelled', actor: { type: 'person', id: 'eve', via: 'api' }, reason: 'no' } as const;
    beforeNextCommit(api.executions, () =>
      api.executions.commit({
        executionId: 'report:one',
        changes: [{ item: 'execution', set: { ending } }],
        events: [],
      }),
    );
    expect(await decide('bob')).toMatchObject(refused(409, 'execution_closed'));
    expect(eventTypes()).toEqual([]);
  });
});

describe('what was decided before', () => {
  it('is the same decision when the same person says the same', async () => {
    await waiting();
    const first = await decide('bob', { comment: 'looks right' });
    api.clock.advance(60);
    const again = await decide('bob', { comment: 'once more' });
    expect(again).toEqual(first);
    expect(eventTypes()).toEqual(['approval.granted']);
    expect(await stored()).toMatchObject({ version: 2 });
  });

  it('is recorded once when one call comes twice in the same moment', async () => {
    await waiting();
    const answers = await Promise.all([decide('bob'), decide('bob')]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(eventTypes()).toEqual(['approval.granted']);
    expect((await stored()).votes).toHaveLength(1);
  });

  it('is answered the same also after the execution has ended', async () => {
    await waiting();
    await decide('bob');
    await api.executions.commit({
      executionId: 'report:one',
      changes: [{ item: 'execution', set: { status: 'failed' } }],
      events: [],
    });
    expect(await decide('bob')).toMatchObject({ status: 200, body: { status: 'granted' } });
  });

  it.each([
    ['by the same person', 'bob'],
    ['by another', 'cyd'],
  ])('is told, with who and when, when the opposite is said %s', async (_who, personId) => {
    await waiting();
    await decide('bob');
    api.clock.advance(60);
    const answer = await api.call(
      'POST',
      `/v1/approvals/${ID}/decision`,
      { decision: 'reject', comment: 'no' },
      as(personId),
    );
    expect(answer).toMatchObject(refused(409, 'already_decided'));
    expect(answer.body.error.details).toEqual({
      status: 'granted',
      decidedBy: 'bob',
      decidedAt: '2026-11-24T12:00:00.000Z',
      decision: 'approve',
    });
    expect(await stored()).toMatchObject({ status: 'granted', version: 2 });
  });

  it('is told to who agrees with it too, because it needs nobody more', async () => {
    await waiting();
    await decide('bob');
    expect(await decide('cyd')).toMatchObject(refused(409, 'already_decided'));
  });

  it('cannot be taken back while others are still asked', async () => {
    await waiting({ groups: [{ group: 'owners', min: 2 }] });
    await decide('bob');
    expect(await decide('bob', { decision: 'reject', comment: 'no' })).toMatchObject(refused(409, 'already_decided'));
    expect((await stored()).votes).toMatchObject([{ personId: 'bob', decision: 'approve' }]);
  });

  it('is decided by one of two who say the opposite in the same moment, and the other is told', async () => {
    await waiting();
    const [yes, no] = await Promise.all([decide('bob'), decide('cyd', { decision: 'reject', comment: 'no' })]);
    expect([yes.status, no.status].sort()).toEqual([200, 409]);
    expect(eventTypes()).toHaveLength(1);
    expect(await stored()).toMatchObject({ version: 2 });
  });
});

describe('a decision about a payload that was altered since', () => {
  it('is recorded, and the answer says that it cannot be read', async () => {
    await waiting();
    await tamper();
    const answer = await decide('bob', { payloadHash: HASH });
    expect(answer).toMatchObject({
      status: 200,
      body: { status: 'granted', payloadHash: HASH, payload: null, claims: [] },
    });
    expect(answer.body.rendering).toBe('the frozen payload cannot be read as it was');
    expect(await stored()).toMatchObject({ status: 'granted' });
    expect(eventTypes()).toEqual(['approval.granted']);
  });

  it('is recorded, and nothing is said of the payload, while it cannot be looked at', async () => {
    await waiting();
    const get = vi.spyOn(api.blobs, 'get').mockRejectedValueOnce(new Error('the store is out of reach'));
    expect(await decide('bob', { payloadHash: HASH })).toMatchObject({ status: 500 });
    get.mockRestore();
    expect(api.unexpected).toMatchObject([{ message: 'the store is out of reach' }]);
    // Asked again, as clients do.
    expect(await decide('bob', { payloadHash: HASH })).toMatchObject({ status: 200, body: { payload: PAYLOAD } });
    expect(eventTypes()).toEqual(['approval.granted']);
  });
});
