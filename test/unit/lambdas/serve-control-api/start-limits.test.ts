import { beforeEach, describe, expect, it } from 'vitest';
import { closeExecution } from '../../../../lambdas/close-execution/close.ts';
import { endExecution } from '../../../../lambdas/end-execution/end.ts';
import { openExecution } from '../../../../lambdas/open-execution/open.ts';
import { openExecutions } from '../../../../lambdas/reconcile/checks/open-executions.ts';
import type { ExecutionView } from '../../../../lib/client/api.ts';
import type { ErrorData } from '../../../../lib/errors.ts';
import type { WorkflowConfig } from '../../../../lib/execution/machine.ts';
import { type Freeze, NOTHING_FROZEN } from '../../../../lib/execution/records.ts';
import type { ApprovalPolicy } from '../../../../lib/workflow/definition.ts';
import { costPorts } from '../../../_helpers/fakes/cost-ports.ts';
import { FakeEventBus } from '../../../_helpers/fakes/fake-event-bus.ts';
import { aGroup, aPerson, fakePeopleStore } from '../../../_helpers/fakes/fake-people-store.ts';
import { FakeSandboxTasks } from '../../../_helpers/fakes/fake-sandbox-tasks.ts';
import { controlApi, REPORT, signedBy } from './api-harness.ts';

const input = { table: 'orders', days: 30 };
const as = (personId: string) => signedBy(`arn:aws:iam::123456789012:user/${personId}`);
const refused = (status: number, code: string) => ({ status, body: { error: { code } } });
/** Two at a time. */
const BOUNDED: WorkflowConfig = { ...REPORT, name: 'bounded', maxConcurrent: 2 };

const people = () =>
  fakePeopleStore().seed({
    people: [
      ...['ada', 'bob'].map((personId) => aPerson({ personId, roles: ['operator'] })),
      aPerson({ personId: 'cyd' }),
      aPerson({ personId: 'mia', tenant: 'acme', roles: ['operator'] }),
    ],
  });

let api: ReturnType<typeof controlApi>;
beforeEach(() => {
  api = controlApi({ people: people() });
  api.machines.deploy(BOUNDED);
});

function start(name: string, fields: Record<string, unknown> = {}, personId = 'ada') {
  const body = { workflow: 'bounded', input, name, ...fields };
  return api.call<ExecutionView & { error: ErrorData }>('POST', '/v1/executions', body, as(personId));
}
const arnOf = (name: string) => api.machines.executionArn(`bounded:${name}`);
const record = (name: string) => api.executions.getExecution(`bounded:${name}`);
const count = (tenant = 'default') => api.executions.openCount(tenant, 'bounded');

const openPorts = () => ({ ...api, ...costPorts(api), stage: 'dev' });
/** The first state of the machine. */
async function open(name: string, config: WorkflowConfig = BOUNDED, given: typeof input = input) {
  return openExecution(openPorts(), {
    schema: 1,
    executionArn: arnOf(name),
    startedAt: api.clock.now().toISOString(),
    input: given,
    workflow: JSON.stringify(config),
    definitionHash: 'd'.repeat(64),
  });
}
/** The last state of the machine. */
async function succeed(name: string) {
  const opened = await open(name);
  if (!opened.ok) throw new Error(opened.error.code);
  return closeExecution(api, {
    schema: 1,
    executionId: `bounded:${name}`,
    output: JSON.stringify({ literal: null }),
    input: opened.state.input,
    steps: opened.state.steps,
  });
}
const endPorts = () => ({
  ...api,
  ...costPorts(api),
  tasks: new FakeSandboxTasks(),
  stage: 'dev',
  signals: { outcomeRefused: () => {} },
});
const end = (name: string) => endExecution(endPorts(), arnOf(name));
async function reconcile(): Promise<void> {
  const { failures } = await openExecutions.run({
    ...endPorts(),
    outbox: api.executions,
    bus: new FakeEventBus(),
    resumeApprovals: async () => {},
    remainingMs: () => 50_000,
  });
  expect(failures).toEqual([]);
}

describe('a workflow that allows two executions at a time', () => {
  it('has two started, and the third is refused and leaves nothing behind', async () => {
    expect([(await start('one')).status, (await start('two')).status]).toEqual([201, 201]);
    expect(await start('three')).toMatchObject(refused(429, 'too_many_executions'));
    expect(await count()).toBe(2);
    expect(await record('three')).toBeUndefined();
    expect(await api.machines.describe(arnOf('three'))).toBeUndefined();
    expect(await record('one')).toMatchObject({ counted: 'default' });
  });

  it('tells how many it allows, and what to do', async () => {
    await start('one');
    await start('two');
    const { body } = await start('three');
    expect(body.error.message).toContain('2 executions of bounded are open');
    expect(body.error.fix).toContain('maxConcurrent');
  });

  it.each([1, 7, 50])('has exactly %i of 50 started that come at once', async (maxConcurrent) => {
    api.machines.deploy({ ...BOUNDED, maxConcurrent });
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => start(`n-${index}`)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(maxConcurrent);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(50 - maxConcurrent);
    expect(await count()).toBe(maxConcurrent);
    const { items } = await api.executions.listExecutions({ tenant: 'default', limit: 100 });
    expect(items).toHaveLength(maxConcurrent);
    for (const { executionArn } of items) expect(await api.machines.describe(executionArn)).toBeDefined();
  });

  it('counts one that is started 20 times at once once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => start('one')));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(19);
    expect(await count()).toBe(1);
  });

  it('answers a repeat of what is open with it, also at the limit', async () => {
    await start('one');
    await start('two');
    expect(await start('one')).toMatchObject({ status: 200, body: { executionId: 'bounded:one' } });
    await open('two');
    expect(await start('two')).toMatchObject({ status: 200, body: { status: 'running' } });
    expect(await count()).toBe(2);
  });

  it('starts what was cut off after it was counted, also at the limit', async () => {
    const startMachine = api.machines.start.bind(api.machines);
    api.machines.start = async () => {
      throw new Error('throttled');
    };
    expect((await start('one')).status).toBe(500);
    api.machines.start = startMachine;
    await start('two');
    expect(await start('one')).toMatchObject({ status: 200, body: { executionId: 'bounded:one' } });
    expect(await api.machines.describe(arnOf('one'))).toMatchObject({ status: 'RUNNING' });
    expect(await count()).toBe(2);
  });

  it('counts each tenant by itself', async () => {
    await start('one');
    await start('two');
    expect(await start('three', {}, 'mia')).toMatchObject({ status: 201 });
    expect([await count(), await count('acme')]).toEqual([2, 1]);
    expect(await record('three')).toMatchObject({ tenant: 'acme', counted: 'acme' });
  });

  it('does not count workflows without a limit', async () => {
    for (const name of ['one', 'two', 'three']) expect((await start(name, { workflow: 'report' })).status).toBe(201);
    expect(await api.executions.openCount('default', 'report')).toBe(0);
    expect(await api.executions.getExecution('report:one')).not.toHaveProperty('counted');
  });

  it('counts nothing that is refused for its input', async () => {
    expect(await start('one', { input: { days: 1 } })).toMatchObject(refused(400, 'invalid_input'));
    await start('one');
    expect(await start('one', { input: { ...input, days: 31 } })).toMatchObject(refused(409, 'name_conflict'));
    expect(await count()).toBe(1);
  });

  it('counts what Open takes over once', async () => {
    await start('one');
    await open('one');
    await open('one');
    expect(await record('one')).toMatchObject({ status: 'running', counted: 'default' });
    expect(await count()).toBe(1);
  });
});

describe('an execution counts no more once it', () => {
  beforeEach(async () => {
    await start('one');
    await start('two');
  });
  async function hasRoomForOne(): Promise<void> {
    expect(await record('one')).not.toHaveProperty('counted');
    expect(await count()).toBe(1);
    expect((await start('three')).status).toBe(201);
    expect(await start('four')).toMatchObject(refused(429, 'too_many_executions'));
  }

  it('has succeeded, however often it is closed', async () => {
    expect(await succeed('one')).toMatchObject({ ok: true });
    await Promise.all([succeed('one').catch(() => {}), end('one')]);
    expect(await record('one')).toMatchObject({ status: 'succeeded' });
    await hasRoomForOne();
  });

  it.each([
    ['FAILED', 'failed'],
    ['TIMED_OUT', 'timed_out'],
    ['ABORTED', 'cancelled'],
  ] as const)('has ended as %s, however often that is told', async (status, ended) => {
    await open('one');
    api.machines.set(arnOf('one'), { status, error: 'agent_failed', cause: 'exit 3' });
    await Promise.all([end('one'), end('one')]);
    await end('one');
    expect(await record('one')).toMatchObject({ status: ended });
    await hasRoomForOne();
  });

  it('has ended before it was opened', async () => {
    api.machines.set(arnOf('one'), { status: 'FAILED', error: 'States.Runtime', cause: 'x' });
    await end('one');
    await hasRoomForOne();
  });

  it('was cancelled, and not before it has ended', async () => {
    await open('one');
    expect((await api.call('POST', '/v1/executions/bounded:one/cancel', {}, as('ada'))).status).toBe(202);
    expect(await count()).toBe(2);
    expect(await start('three')).toMatchObject(refused(429, 'too_many_executions'));
    await end('one');
    await hasRoomForOne();
  });

  it('was refused by Open', async () => {
    await open('one', { ...BOUNDED, inputSchema: { type: 'object', required: ['more'] } });
    expect(await count()).toBe(2);
    api.machines.set(arnOf('one'), { status: 'FAILED', error: 'invalid_input', cause: 'x' });
    await end('one');
    expect(await record('one')).toMatchObject({ status: 'failed', error: { code: 'invalid_input' } });
    await hasRoomForOne();
  });

  it('is past its time limit and its machine is gone', async () => {
    await open('one');
    api.clock.advance(3601);
    api.machines.describe = async () => undefined;
    // `two` never started, and is closed as that.
    await reconcile();
    expect(await record('one')).toMatchObject({ status: 'timed_out' });
    expect(await record('two')).toMatchObject({ status: 'failed' });
    expect(await count()).toBe(0);
    await reconcile();
    expect(await count()).toBe(0);
  });
});

describe('a start that was counted and never made', () => {
  it('counts no more once reconcile has found it', async () => {
    api.machines.start = async () => {
      throw new Error('throttled');
    };
    expect((await start('one')).status).toBe(500);
    expect(await count()).toBe(1);
    api.clock.advance(299);
    await reconcile();
    expect(await count()).toBe(1);
    api.clock.advance(2);
    await reconcile();
    expect(await record('one')).toMatchObject({ status: 'failed' });
    expect(await count()).toBe(0);
    await reconcile();
    expect(await count()).toBe(0);
  });
});

describe('an emergency stop', () => {
  const freeze = (fields: Partial<Freeze>) =>
    api.executions.seed({ freeze: { ...NOTHING_FROZEN, version: 1, reason: 'wrong rows', ...fields } });

  it.each<[string, Partial<Freeze>]>([
    ['everything', { all: true }],
    ['the workflow', { workflows: ['bounded'] }],
    ['the tenant', { tenants: ['default'] }],
  ])('of %s refuses a start, which leaves nothing behind', async (_what, held) => {
    freeze(held);
    const answer = await start('one');
    expect(answer).toMatchObject(refused(409, 'frozen'));
    expect(answer.body.error.message).toContain('wrong rows');
    expect(await record('one')).toBeUndefined();
    expect(await count()).toBe(0);
    expect(await api.machines.describe(arnOf('one'))).toBeUndefined();
  });

  it.each<[string, Partial<Freeze>]>([
    ['another workflow', { workflows: ['report', 'bounded-2'] }],
    ['another tenant', { tenants: ['acme'] }],
  ])('of %s does not', async (_what, held) => {
    freeze(held);
    expect((await start('one')).status).toBe(201);
  });

  it('is told before the limit is', async () => {
    await start('one');
    await start('two');
    freeze({ all: true });
    expect(await start('three')).toMatchObject(refused(409, 'frozen'));
  });

  it('does not hide what was started before', async () => {
    await start('one');
    freeze({ all: true });
    expect(await start('one')).toMatchObject({ status: 200, body: { executionId: 'bounded:one' } });
  });
});

describe('a workflow with a gate', () => {
  const policy: ApprovalPolicy = {
    from: [{ group: 'owners', min: 2 }],
    notRequester: true,
    withinSeconds: 3600,
    executeWithinSeconds: 600,
    otherwise: 'reject',
  };
  beforeEach(() => {
    api.machines.deploy({ ...BOUNDED, gates: [{ path: 'write', policy }] });
  });
  const owners = (...members: string[]) => api.people.seed({ groups: [aGroup('owners', members)] });

  it.each<[string, readonly string[]]>([
    ['there is no such group', []],
    ['one of two is missing', ['cyd']],
    ['one of two is the requester', ['cyd', 'ada']],
    ['one of two was removed', ['cyd', 'dan']],
  ])('is not started where %s', async (_what, members) => {
    api.people.seed({ people: [aPerson({ personId: 'dan', active: false, identities: [] })] });
    if (members.length > 0) owners(...members);
    const answer = await start('one');
    expect(answer).toMatchObject(refused(409, 'approvers_missing'));
    expect(answer.body.error.message).toMatch(/the gate of write .* [12] more in owners/);
    expect(await record('one')).toBeUndefined();
    expect(await count()).toBe(0);
  });

  it('is started where two who may approve are there, and by whom else it is', async () => {
    owners('ada', 'bob', 'cyd');
    expect((await start('one')).status).toBe(201);
    owners('bob', 'cyd');
    expect((await start('two', {}, 'ada')).status).toBe(201);
    await succeed('one');
    expect(await start('three', {}, 'bob')).toMatchObject(refused(409, 'approvers_missing'));
  });

  it('counts the requester where the policy lets them approve', async () => {
    api.machines.deploy({ ...BOUNDED, gates: [{ path: 'write', policy: { ...policy, notRequester: false } }] });
    owners('ada', 'cyd');
    expect((await start('one')).status).toBe(201);
  });

  it('does not count people of another tenant', async () => {
    api.people.seed({ groups: [aGroup('owners', ['ada', 'bob', 'cyd'], 'acme'), aGroup('owners', ['mia'])] });
    expect(await start('one')).toMatchObject(refused(409, 'approvers_missing'));
    expect(await start('two', {}, 'mia')).toMatchObject(refused(409, 'approvers_missing'));
  });
});

describe('the requester', () => {
  it('is the person who called', async () => {
    await start('one', {}, 'bob');
    expect(await record('one')).toMatchObject({
      requester: { type: 'person', id: 'bob', via: 'api' },
      tenant: 'default',
    });
    await open('one');
    expect(await record('one')).toMatchObject({ requester: { type: 'person', id: 'bob', via: 'api' } });
    expect(api.executions.events('bounded:one')).toMatchObject([
      { eventType: 'workflow.started', actor: { type: 'person', id: 'bob' } },
    ]);
  });

  it.each([
    [{ requester: 'cyd' }],
    [{ requester: { type: 'person', id: 'cyd', via: 'api' } }],
    [{ approvedBy: 'cyd', tenant: 'acme' }],
  ])('is not who the input says: %j', async (wflo) => {
    const answer = await start('one', { input: { ...input, wflo } });
    expect(answer).toMatchObject(refused(400, 'unknown_option'));
    expect(await record('one')).toBeUndefined();
    expect(await count()).toBe(0);
  });

  it.each([[{ requester: 'cyd' }], [{ tenant: 'acme' }], [{ counted: 'acme' }]])(
    'is not who the body says: %j',
    async (fields) => {
      expect(await start('one', fields)).toMatchObject(refused(400, 'invalid_request'));
      expect(await record('one')).toBeUndefined();
    },
  );

  it('stays the first where somebody else repeats the start', async () => {
    await start('one', {}, 'ada');
    expect(await start('one', {}, 'bob')).toMatchObject({ status: 200, body: { requester: { id: 'ada' } } });
  });

  it('of another tenant neither gets nor learns of an execution of that name', async () => {
    await start('one', {}, 'ada');
    const answer = await start('one', {}, 'mia');
    expect(answer).toMatchObject(refused(404, 'unknown_execution'));
    expect(JSON.stringify(answer.body)).not.toContain('ada');
    expect([await count(), await count('acme')]).toEqual([1, 0]);
  });
});
