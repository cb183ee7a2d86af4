import { describe, expect, it, vi } from 'vitest';
import { buildEvent } from '../../../../lib/audit/build-event.ts';
import type { ExecutionView } from '../../../../lib/client/api.ts';
import { inputHash } from '../../../../lib/execution/input-hash.ts';
import { anExecution } from '../../../_helpers/fakes/records.ts';
import { controlApi } from './api-harness.ts';

const input = { table: 'orders', days: 30 };
const start = { workflow: 'report', input, name: 'one' };
const arn = 'arn:aws:states:us-east-1:123456789012:execution:wflo-dev-report:one';

describe('a start', () => {
  it('records the proven requester and the hash of the input, and starts the machine with that input', async () => {
    const api = controlApi();
    const answer = await api.call<ExecutionView>('POST', '/v1/executions', start);

    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      executionId: 'report:one',
      workflow: 'report',
      status: 'starting',
      startedAt: '2026-11-24T12:00:00.000Z',
      endedAt: null,
      costUsd: null,
      budgetUsd: null,
      requester: { id: 'ada', verified: true },
      steps: [
        { path: 'plan', kind: 'sandbox', status: 'pending', attempt: 0 },
        { path: 'write', kind: 'lambda', status: 'pending', attempt: 0 },
      ],
      eventCount: 0,
    });
    expect(await api.executions.getExecution('report:one')).toMatchObject({
      status: 'starting',
      tenant: 'default',
      requester: { type: 'person', id: 'ada', via: 'api' },
      inputHash: inputHash(input),
      executionArn: arn,
      checkAt: '2026-11-24T12:05:00.000Z',
    });
    expect(JSON.parse((await api.machines.describe(arn))?.input ?? '')).toEqual(input);
  });

  it('writes the record before it starts the machine, so that Open finds the requester', async () => {
    const api = controlApi();
    let machineAtCommit: unknown = 'not asked';
    api.executions.beforeCommit = async () => {
      machineAtCommit = await api.machines.describe(arn);
    };
    await api.call('POST', '/v1/executions', start);
    expect(machineAtCommit).toBeUndefined();
    expect(await api.machines.describe(arn)).toBeDefined();
  });

  it('makes a name from the time where none is given', async () => {
    const api = controlApi();
    const first = await api.call<ExecutionView>('POST', '/v1/executions', { workflow: 'report', input });
    const second = await api.call<ExecutionView>('POST', '/v1/executions', { workflow: 'report', input });
    expect(first.body.executionId).toMatch(/^report:20261124-120000-[0-9a-z]{8}$/);
    expect(second.body.executionId).not.toBe(first.body.executionId);
  });

  it('follows the trace that API Gateway began', async () => {
    const api = controlApi();
    const root = '1-67891233-abcdef012345678912345678';
    await api.call('POST', '/v1/executions', start, undefined, { 'x-amzn-trace-id': `Root=${root};Sampled=1` });
    expect((await api.executions.getExecution('report:one'))?.traceId).toBe(root);
  });

  it('takes nobody for the requester on the word of the caller', async () => {
    const api = controlApi();
    await api.call('POST', '/v1/executions', start, undefined, { 'x-user-arn': 'arn:aws:iam::123456789012:user/eve' });
    expect((await api.executions.getExecution('report:one'))?.requester.id).toBe('ada');
  });
});

describe('a repeated start', () => {
  it('answers 200 with the same execution, and starts nothing', async () => {
    const api = controlApi();
    await api.call('POST', '/v1/executions', start);
    const again = await api.call<ExecutionView>('POST', '/v1/executions', {
      ...start,
      input: { days: 30, table: 'orders' },
    });
    expect(again).toMatchObject({ status: 200, body: { executionId: 'report:one' } });
    expect((await api.call<{ executions: unknown[] }>('GET', '/v1/executions')).body.executions).toHaveLength(1);
  });

  it('answers with an execution that has ended', async () => {
    const api = controlApi();
    api.executions.seed({
      executions: [
        anExecution({ inputHash: inputHash(input), status: 'succeeded', endedAt: '2026-11-20T00:00:00.000Z' }),
      ],
    });
    const again = await api.call<ExecutionView>('POST', '/v1/executions', start);
    expect(again).toMatchObject({ status: 200, body: { status: 'succeeded' } });
    expect(await api.machines.describe(arn)).toBeUndefined();
  });

  it('with another input is name_conflict', async () => {
    const api = controlApi();
    await api.call('POST', '/v1/executions', start);
    const other = await api.call('POST', '/v1/executions', { ...start, input: { table: 'orders', days: 31 } });
    expect(other).toMatchObject({ status: 409, body: { error: { code: 'name_conflict' } } });
    expect(JSON.parse((await api.machines.describe(arn))?.input ?? '')).toEqual(input);
  });

  it('of a name that Step Functions has freed is name_reused', async () => {
    const api = controlApi();
    api.executions.seed({
      executions: [anExecution({ inputHash: inputHash(input), status: 'failed', endedAt: '2026-08-01T00:00:00.000Z' })],
    });
    const again = await api.call('POST', '/v1/executions', start);
    expect(again).toMatchObject({ status: 409, body: { error: { code: 'name_reused' } } });
    expect(await api.machines.describe(arn)).toBeUndefined();
  });

  it('of a name whose records have expired is name_reused: its event chain goes on with no other execution', async () => {
    const api = controlApi();
    const { ids, clock, executions } = api;
    const event = buildEvent({ ids, clock }, anExecution({ executionId: 'report:one' }), {
      type: 'workflow.cancelled',
      data: { reason: 'a year ago' },
      actor: { type: 'system', id: 'test', via: 'test' },
    });
    const createdAt = clock.now().toISOString();
    await api.audit.append({
      schema: 1,
      executionId: 'report:one',
      outboxId: ids.next(),
      events: [event],
      createdAt,
    });
    // The table keeps the name, and nothing else of the execution.
    vi.spyOn(executions, 'commit').mockResolvedValue(false);
    const again = await api.call('POST', '/v1/executions', start);
    expect(again).toMatchObject({
      status: 409,
      body: { error: { code: 'name_reused', message: expect.stringContaining('expired') } },
    });
    expect(await api.machines.describe(arn)).toBeUndefined();
  });

  it('starts the machine when the first try was cut off before it did', async () => {
    const api = controlApi();
    api.executions.seed({ executions: [anExecution({ inputHash: inputHash(input), status: 'starting' })] });
    const again = await api.call<ExecutionView>('POST', '/v1/executions', start);
    expect(again).toMatchObject({ status: 200, body: { executionId: 'report:one' } });
    expect((await api.machines.describe(arn))?.status).toBe('RUNNING');
  });

  it('does not start what was cancelled before it began', async () => {
    const api = controlApi();
    const ending = { status: 'cancelled', actor: { type: 'person', id: 'ada', via: 'api' }, reason: 'no' } as const;
    api.executions.seed({ executions: [anExecution({ inputHash: inputHash(input), status: 'starting', ending })] });
    expect((await api.call('POST', '/v1/executions', start)).status).toBe(200);
    expect(await api.machines.describe(arn)).toBeUndefined();
  });
});

describe('an execution that was started past the API in the same moment', () => {
  it('with another input is name_conflict', async () => {
    const api = controlApi();
    api.machines.set(arn, { startedAt: '2026-11-24T11:59:59.900Z', input: '{"table":"users","days":1}' });
    const answer = await api.call('POST', '/v1/executions', start);
    expect(answer).toMatchObject({ status: 409, body: { error: { code: 'name_conflict' } } });
  });

  it('with the same input gets no verified requester', async () => {
    const api = controlApi();
    api.machines.set(arn, { startedAt: '2026-11-24T11:59:59.900Z', input: JSON.stringify(input) });
    const answer = await api.call<ExecutionView>('POST', '/v1/executions', start);
    expect(answer).toMatchObject({ status: 200, body: { requester: { verified: false } } });
  });

  it('keeps the requester where the machine says that a first try of this start came through', async () => {
    const api = controlApi();
    api.machines.set(arn, { startedAt: '2026-11-24T12:00:00.100Z', input: JSON.stringify(input) });
    const answer = await api.call<ExecutionView>('POST', '/v1/executions', start);
    expect(answer).toMatchObject({ status: 200, body: { requester: { id: 'ada', verified: true } } });
  });
});

describe('a start that is refused starts nothing', () => {
  it.each([
    ['an unknown workflow', { workflow: 'reprot', input }, 404, 'unknown_workflow'],
    ['an input with problems', { workflow: 'report', input: { days: '30', extra: 1 } }, 400, 'invalid_input'],
    ['an unknown option', { workflow: 'report', input: { ...input, wflo: { budget: 1 } } }, 400, 'unknown_option'],
    ['options that are no object', { workflow: 'report', input: { ...input, wflo: 5 } }, 400, 'unknown_option'],
    [
      'an input above 256 KiB',
      { workflow: 'report', input: { table: 'x'.repeat(262_144), days: 1 } },
      400,
      'invalid_input',
    ],
    [
      'an input that passes 256 KiB with the configuration that goes with it',
      { workflow: 'report', input: { table: 'x'.repeat(262_144 - 200), days: 1 } },
      400,
      'invalid_input',
    ],
    ['a number beyond JSON', '{"workflow":"report","input":{"table":"x","days":1e999}}', 400, 'invalid_input'],
    [
      'an input nested too deep',
      `{"workflow":"report","input":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      400,
      'invalid_input',
    ],
    ['no input', { workflow: 'report' }, 400, 'invalid_request'],
    ['a malformed name', { ...start, name: 'a b' }, 400, 'invalid_request'],
    ['a name of 81 letters', { ...start, name: 'a'.repeat(81) }, 400, 'invalid_request'],
    ['a field that does not exist', { ...start, budget: 5 }, 400, 'invalid_request'],
    ['a body that is not JSON', '{"workflow":', 400, 'malformed_json'],
  ])('%s', async (_what, body, status, code) => {
    const api = controlApi();
    const answer = await api.call('POST', '/v1/executions', body);
    expect(answer).toMatchObject({ status, body: { error: { code } } });
    expect((await api.executions.listExecutions({ tenant: 'default', limit: 10 })).items).toEqual([]);
    expect(await api.machines.describe(arn)).toBeUndefined();
  });

  it('lists what is deployed and what is near', async () => {
    const { body } = await controlApi().call('POST', '/v1/executions', { workflow: 'reprot', input });
    expect(body.error.details).toEqual({ workflow: 'reprot', deployed: ['reindex', 'report'] });
    expect(body.error.message).toContain('Did you mean "report"?');
  });

  it('lists every problem of the input', async () => {
    const { body } = await controlApi().call('POST', '/v1/executions', {
      workflow: 'report',
      input: { days: '30', extra: 1 },
    });
    const { problems } = body.error.details as { problems: { pointer: string }[] };
    expect(problems.map((problem) => problem.pointer).sort()).toEqual(['', '', '/days']);
  });

  it('takes an empty "wflo" key', async () => {
    const answer = await controlApi().call('POST', '/v1/executions', { ...start, input: { ...input, wflo: {} } });
    expect(answer.status).toBe(201);
  });
});
