import { readFileSync } from 'node:fs';
import { DynamoDBClient, GetItemCommand, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { SendTaskSuccessCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeAll, describe, expect, it } from 'vitest';
import { verifyChain } from '../../lib/audit/chain.ts';
import { connect } from '../../lib/cli/target.ts';
import type { ApprovalSummary, ApprovalView, ExecutionView } from '../../lib/client/api.ts';
import { type ControlApiClient, createClient } from '../../lib/client/client.ts';
import { WfloError } from '../../lib/errors.ts';
import { readLocalState } from '../../lib/local-cloud/index.ts';
import { ensureUser } from '../../lib/local-cloud/operator.ts';
import { type LocalAws, localAws, projectDir } from '../_helpers/local-aws.ts';
import { eventually, wflo, wfloJson } from '../_helpers/wflo.ts';

let aws: LocalAws;
let sfn: SFNClient;
let ada: ControlApiClient;
let grace: ControlApiClient;
let linus: ControlApiClient;

beforeAll(async () => {
  aws = await localAws();
  const config = { endpoint: aws.endpoint, region: aws.region, credentials: aws.credentials };
  sfn = new SFNClient(config);
  const as = (person: string) => connect({ kind: 'local', as: person }, projectDir);
  [ada, grace, linus] = [await as('ada'), await as('grace'), await as('linus')];
});

const ended = (id: string) =>
  eventually(
    () => ada.describe(id),
    (view) => view.endedAt !== null,
    `${id} ends`,
  );
/** Started by Ada, and waiting for a person. */
async function asked(workflow: string, input: ExecutionView['output'] = { note: 'n' }): Promise<string> {
  const { execution } = await ada.start({ workflow, input: input ?? null });
  await waiting(execution.executionId);
  return execution.executionId;
}
const waiting = (id: string) =>
  eventually(
    () => ada.describe(id),
    (view) => view.status === 'waiting_approval' || view.endedAt !== null,
    `${id} waits`,
  );
const codeOf = async (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'accepted',
    (error: unknown) => (WfloError.is(error) ? error.code : String(error)),
  );
async function chainOf(id: string) {
  const { eventCount } = await ended(id);
  const { records } = await eventually(
    () => ada.events(id),
    (chain) => chain.records.length >= eventCount,
    `events of ${id}`,
  );
  expect(verifyChain(records, eventCount)).toMatchObject({ ok: true });
  return records.map(({ event }) => event);
}

describe('a new user', () => {
  it('starts, is shown who has to approve, approves as somebody else, and sees it run', async () => {
    const started = await wfloJson<ExecutionView>('run', 'gated', '--input', '{"note":"hi"}', '--as', 'ada');
    const id = started.executionId;
    await waiting(id);
    const status = await wflo('status', id, '--local');
    expect(status.stdout).toContain('waiting_approval');
    expect(status.stdout).toContain(`${id}:act:1`);
    const listed = await wfloJson<ApprovalSummary[]>('approvals');
    expect(listed.map(({ approvalId }) => approvalId)).toContain(`${id}:act:1`);
    const shown = await wflo('approval', `${id}:act:1`, '--local', '--as', 'grace');
    expect(shown.stdout).toContain('"note": "hi"');

    const own = await wflo('approve', `${id}:act:1`, '--local', '--as', 'ada');
    expect([own.code, own.stderr]).toEqual([1, expect.stringContaining('requester_may_not_decide')]);
    const approved = await wflo('approve', `${id}:act:1`, '--local', '--as', 'grace', '--comment', 'fine');
    expect(approved.code).toBe(0);
    expect(await ended(id)).toMatchObject({ status: 'succeeded', output: { note: 'hi' } });
  });

  it('rejects with a reason, which the execution ends with', async () => {
    const id = await asked('gated');
    expect((await wflo('reject', `${id}:act:1`, '--local', '--as', 'grace')).code).toBe(2);
    expect((await wflo('reject', `${id}:act:1`, '--local', '--as', 'grace', '--reason', 'not today')).code).toBe(0);
    expect(await ended(id)).toMatchObject({
      status: 'rejected',
      error: { code: 'approval_rejected', message: expect.stringContaining('not today') },
    });
    expect((await chainOf(id)).map(({ eventType }) => eventType)).not.toContain('step.started');
  });

  it('lets one expire, which is a no, and cannot start a second one beside it', async () => {
    const { execution } = await ada.start({ workflow: 'brief', input: {} });
    expect(await codeOf(ada.start({ workflow: 'brief', input: {} }))).toBe('too_many_executions');
    expect(await ended(execution.executionId)).toMatchObject({
      status: 'rejected',
      error: { code: 'approval_expired' },
    });
    expect(await codeOf(grace.decide(`${execution.executionId}:act:1`, { decision: 'approve' }))).toBe(
      'approval_expired',
    );
    // Counted off: there is room again.
    const again = await ada.start({ workflow: 'brief', input: {} });
    await ada.cancel(again.execution.executionId);
    expect(await ended(again.execution.executionId)).toMatchObject({ status: 'cancelled' });
  });
});

describe('a decision', () => {
  it('is refused from whoever may not, and on whatever is not there', async () => {
    const id = await asked('gated');
    const approvalId = `${id}:act:1`;
    const mary = await connect({ kind: 'local', as: 'mary' }, projectDir);
    expect(await codeOf(ada.decide(approvalId, { decision: 'approve' }))).toBe('requester_may_not_decide');
    expect(await codeOf(mary.decide(approvalId, { decision: 'approve' }))).toBe('not_an_approver');
    expect(await codeOf(grace.decide(`${id}:act:2`, { decision: 'approve' }))).toBe('unknown_approval');
    expect(await codeOf(grace.decide('nonsense', { decision: 'approve' }))).toBe('unknown_approval');
    expect(await codeOf(grace.decide(approvalId, { decision: 'approve', payloadHash: '0'.repeat(64) }))).toBe(
      'approval_mismatch',
    );
    expect(await codeOf(grace.decide(approvalId, { decision: 'reject' }))).toBe('invalid_request');
    await ada.cancel(id);
    await ended(id);
    expect(await codeOf(grace.decide(approvalId, { decision: 'approve' }))).toBe('execution_closed');
  });

  it('is one, made twice; and the opposite is told who was faster', async () => {
    const id = await asked('gated');
    const approvalId = `${id}:act:1`;
    const first = await grace.decide(approvalId, { decision: 'approve' });
    expect((await grace.decide(approvalId, { decision: 'approve' })).decisions).toEqual(first.decisions);
    const late = await linus.decide(approvalId, { decision: 'reject', comment: 'no' }).catch((error: unknown) => error);
    expect(late).toMatchObject({ code: 'already_decided', details: { decidedBy: 'grace', decision: 'approve' } });
    expect(await ended(id)).toMatchObject({ status: 'succeeded' });
  });

  it('both ways at once, 200 times: one wins, the other is told, and what happens is what won', async () => {
    const results: Record<string, number> = {};
    const race = async (number: number): Promise<void> => {
      const id = await asked('gated', { note: `race ${number}` });
      const approvalId = `${id}:act:1`;
      const both = [
        () => grace.decide(approvalId, { decision: 'approve' }),
        () => linus.decide(approvalId, { decision: 'reject', comment: 'no' }),
      ];
      const answers = await Promise.allSettled((number % 2 === 0 ? both : both.toReversed()).map((call) => call()));
      const won = answers.filter(({ status }) => status === 'fulfilled') as PromiseFulfilledResult<ApprovalView>[];
      const lost = answers.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
      expect([won.length, lost.length]).toEqual([1, 1]);
      expect(lost[0]?.reason).toMatchObject({ code: 'already_decided' });
      const verdict = won[0]?.value.status ?? 'none';
      const view = await ended(id);
      expect(view.status).toBe(verdict === 'granted' ? 'succeeded' : 'rejected');
      const events = (await chainOf(id)).map(({ eventType }) => eventType);
      expect(events.filter((type) => type === 'approval.granted' || type === 'approval.rejected')).toHaveLength(1);
      expect(events.filter((type) => type === 'approval.claimed')).toHaveLength(verdict === 'granted' ? 1 : 0);
      results[verdict] = (results[verdict] ?? 0) + 1;
    };
    await atOnce(200, 10, race);
    expect((results.granted ?? 0) + (results.rejected ?? 0)).toBe(200);
  }, 600_000);
});

describe('a claim', () => {
  it('after a forged SendTaskSuccess is refused', async () => {
    const id = await asked('gated');
    const token = await taskTokenOf(`${id}:act:1`);
    await sfn.send(new SendTaskSuccessCommand({ taskToken: token, output: '{"decision":"granted"}' }));
    expect(await ended(id)).toMatchObject({ status: 'failed', error: { code: 'not_approved' } });
    const events = (await chainOf(id)).map(({ eventType }) => eventType);
    expect(events).not.toContain('step.started');
    expect(events).toContain('approval.cancelled');
    expect(await codeOf(grace.decide(`${id}:act:1`, { decision: 'approve' }))).toBe('execution_closed');
  });

  it('of a sandbox that requires a gate is made under its approval, once it is granted', async () => {
    const { execution } = await ada.start({ workflow: 'confirming', input: { id: 'x-1' } });
    const id = execution.executionId;
    await waiting(id);
    const approval = await grace.approval(`${id}:confirm:1`);
    expect(approval).toMatchObject({ kind: 'approval', rendering: expect.stringContaining('"id": "x-1"') });
    await grace.decide(approval.approvalId, { decision: 'approve', payloadHash: approval.payloadHash });
    expect(await ended(id)).toMatchObject({ status: 'succeeded', output: { id: 'x-1' } });
    expect(await grace.approval(approval.approvalId)).toMatchObject({ claimedAt: expect.any(String) });
  });
});

describe('who asked', () => {
  it('is a person, proven by a key; a direct start is nobody’s, and needs one more', async () => {
    const id = await asked('gated');
    expect((await ada.describe(id)).requester).toEqual({ id: 'ada', verified: true });
    await ada.cancel(id);

    const machine = `arn:aws:states:${aws.region}:${aws.account}:stateMachine:wflo-${aws.stage}-gated`;
    const started = await sfn.send(new StartExecutionCommand({ stateMachineArn: machine, input: '{"note":"direct"}' }));
    const direct = `gated:${started.executionArn?.split(':').at(-1)}`;
    await eventually(
      () => codeOf(grace.describe(direct)),
      (code) => code === 'accepted',
      'it is recorded',
    );
    await waiting(direct);
    const first = await grace.decide(`${direct}:act:1`, { decision: 'approve' });
    expect(first).toMatchObject({
      status: 'pending',
      requester: { verified: false },
      groups: [{ group: 'data-owners', min: 2 }],
      note: expect.stringContaining('nothing proves'),
    });
    await linus.decide(`${direct}:act:1`, { decision: 'approve' });
    expect(await ended(direct)).toMatchObject({ status: 'succeeded' });
  });

  it('is not what the input says', async () => {
    const input = { note: 'n', wflo: { requester: 'grace' } };
    expect(await codeOf(ada.start({ workflow: 'gated', input }))).toBe('unknown_option');
  });
});

describe('another tenant', () => {
  it('sees, decides and stops nothing of this one', async () => {
    const state = await readLocalState(projectDir);
    const url = state?.deployed?.controlApiUrl;
    if (state === undefined || typeof url !== 'string') throw new Error('nothing is deployed');
    const scope = { region: aws.region, account: aws.account, stage: aws.stage, controlApiUrl: url };
    const keys = await ensureUser(state, aws.credentials, scope, { name: 'zoe-of-acme', known: undefined });
    const operator = await connect({ kind: 'local' }, projectDir);
    const arn = `arn:aws:iam::${aws.account}:user/zoe-of-acme`;
    await operator.addTenant({ tenant: 'acme', personId: 'zoe', name: 'Zoe', arn });
    const ca = readFileSync(state.caFile, 'utf8');
    const zoe = createClient({ url, region: aws.region, credentials: keys, ca });
    expect(await zoe.me()).toMatchObject({ tenant: 'acme', personId: 'zoe', roles: ['administrator'] });

    const id = await asked('gated');
    expect(await codeOf(zoe.describe(id))).toBe('unknown_execution');
    expect(await codeOf(zoe.events(id))).toBe('unknown_execution');
    expect(await codeOf(zoe.cancel(id))).toBe('unknown_execution');
    expect(await codeOf(zoe.approval(`${id}:act:1`))).toBe('unknown_approval');
    expect(await codeOf(zoe.decide(`${id}:act:1`, { decision: 'approve' }))).toBe('unknown_approval');
    expect(await codeOf(zoe.freeze({ all: true, reason: 'mine' }))).toBe('forbidden');
    expect(await codeOf(zoe.freeze({ tenant: 'default', reason: 'mine' }))).toBe('forbidden');
    expect(await codeOf(zoe.start({ workflow: 'gated', input: { note: 'n' } }))).toBe('approvers_missing');
    for await (const page of zoe.approvals({ all: true })) expect(page).toEqual([]);
    expect((await zoe.people()).map(({ personId }) => personId)).toEqual(['zoe']);
    await ada.cancel(id);
    await ended(id);
  });
});

describe('an emergency stop', () => {
  it('holds what would begin, what would be claimed, and lets go again', async () => {
    const operator = await connect({ kind: 'local' }, projectDir);
    const id = await asked('gated');
    await operator.freeze({ workflow: 'gated', reason: 'something is wrong' });
    try {
      expect(await codeOf(ada.start({ workflow: 'gated', input: { note: 'n' } }))).toBe('frozen');
      await grace.decide(`${id}:act:1`, { decision: 'approve' });
      expect(await ended(id)).toMatchObject({ status: 'failed', error: { code: 'frozen' } });
    } finally {
      await operator.unfreeze({ workflow: 'gated' });
    }
    const again = await asked('gated');
    await grace.decide(`${again}:act:1`, { decision: 'approve' });
    expect(await ended(again)).toMatchObject({ status: 'succeeded' });
  });
});

/** As somebody has it who can read what nobody should: on AWS the history of an execution holds it as well. */
async function taskTokenOf(approvalId: string): Promise<string> {
  const dynamo = new DynamoDBClient({ endpoint: aws.endpoint, region: aws.region, credentials: aws.credentials });
  const { TableNames = [] } = await dynamo.send(new ListTablesCommand({}));
  const TableName = TableNames.find((name) => name.includes('Tokens'));
  const [workflow, name, ...rest] = approvalId.split(':');
  const Key = { pk: { S: `EXEC#${workflow}:${name}` }, sk: { S: `APPROVAL#${rest.join(':')}` } };
  return eventually(
    async () => (await dynamo.send(new GetItemCommand({ TableName, Key }))).Item?.token?.S ?? '',
    (token) => token !== '',
    'the token is stored',
  );
}

/** Numbers from 0, `width` of them at a time. */
async function atOnce(count: number, width: number, work: (number: number) => Promise<void>): Promise<void> {
  const numbers = Array.from({ length: count }, (_, number) => number).values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const number of numbers) await work(number);
    }),
  );
}
