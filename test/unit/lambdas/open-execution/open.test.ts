import { beforeEach, describe, expect, it } from 'vitest';
import { canonicalJson, sha256 } from '../../../../lib/json.ts';
import {
  beforeNextCommit,
  EXECUTION_ARN,
  EXECUTION_ID,
  ExecutionScene,
  STARTED_AT,
} from '../../../_helpers/execution-scene.ts';
import { anExecution } from '../../../_helpers/fakes/records.ts';

const INPUT = { table: 'orders' };
const ADA = { type: 'principal', id: 'arn:aws:iam::123456789012:user/ada', via: 'api' } as const;
const UNVERIFIED = { type: 'unverified', id: 'unknown', via: 'step-functions' };
/** What the control API puts before it starts the machine. */
const starting = anExecution({
  status: 'starting',
  tenant: 'acme',
  requester: ADA,
  inputHash: sha256(canonicalJson(INPUT)),
  startedAt: '2025-12-31T23:59:59.000Z',
});

let scene: ExecutionScene;
beforeEach(() => {
  scene = new ExecutionScene();
});

describe('opening an execution', () => {
  it('records it, stores the input with its defaults, and seeds the state', async () => {
    const answer = await scene.open();
    const execution = await scene.execution();
    expect(execution).toMatchObject({
      status: 'running',
      workflow: 'report',
      tenant: 'default',
      requester: UNVERIFIED,
      executionArn: EXECUTION_ARN,
      startedAt: STARTED_AT,
      timeoutAt: '2026-01-01T01:00:00.000Z',
      checkAt: '2026-01-01T00:05:01.000Z',
      traceId: EXECUTION_ID,
      inputHash: sha256(canonicalJson(INPUT)),
      eventCount: 1,
    });
    expect(answer).toEqual({
      ok: true,
      state: {
        schema: 1,
        execution: { id: EXECUTION_ID },
        input: { ref: execution.input, refs: { days: 30 } },
        steps: { plan: null, apply: null },
        step: null,
      },
      error: null,
    });
    expect(execution.input && (await scene.blobs.get(EXECUTION_ID, execution.input))).toEqual({
      table: 'orders',
      days: 30,
    });
    expect(scene.events()).toEqual(['workflow.started']);
  });

  it('answers a repeated call the same, and starts nothing twice', async () => {
    const first = await scene.open();
    expect(await scene.open()).toEqual(first);
    expect(scene.events()).toEqual(['workflow.started']);
  });

  it('answers two calls at the same time the same', async () => {
    const [one, other] = await Promise.all([scene.open(), scene.open()]);
    expect(one).toEqual(other);
    expect(scene.events()).toEqual(['workflow.started']);
  });

  it('refuses a name that an earlier execution has, and leaves its record alone', async () => {
    await scene.open();
    const before = await scene.execution();
    const answer = await scene.open(INPUT, { startedAt: '2026-06-01T00:00:00.000Z' });
    expect(answer).toMatchObject({ ok: false, error: { code: 'name_reused' } });
    expect(await scene.execution()).toEqual(before);
  });

  it('refuses state data of a later schema', async () => {
    const { openExecution } = await import('../../../../lambdas/open-execution/open.ts');
    const event = {
      schema: 2,
      executionArn: EXECUTION_ARN,
      startedAt: STARTED_AT,
      input: {},
      workflow: '{}',
      definitionHash: '',
    };
    await expect(openExecution(scene, event)).rejects.toMatchObject({ code: 'internal' });
  });
});

describe('an input that is refused', () => {
  it.each([
    ['invalid_input', {}],
    ['invalid_input', JSON.parse('{ "table": "orders", "more": 1e999 }')],
    ['invalid_input', { table: 'orders', more: JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)) }],
    ['invalid_input', { table: 1, days: 'x' }],
    ['unknown_option', { table: 'orders', wflo: { budgetUsd: 1 } }],
  ])('is recorded as an ending: %s', async (code, input) => {
    expect(await scene.open(input)).toMatchObject({ ok: false, state: null, error: { code } });
    expect(await scene.execution()).toMatchObject({ status: 'running', ending: { status: 'failed', error: { code } } });
    expect((await scene.execution()).input).toBeUndefined();
  });

  it('names every problem', async () => {
    const answer = await scene.open({ table: 1, days: 'x' });
    expect(answer.error?.message).toMatch(/\/table.*\/days/);
  });

  it('is answered the same again', async () => {
    const first = await scene.open({});
    expect(await scene.open({})).toEqual(first);
  });

  it('is closed as failed by the end handler, with the same error', async () => {
    await scene.open({});
    scene.machines.set(EXECUTION_ARN, { status: 'FAILED', error: 'invalid_input', cause: 'cut off' });
    await scene.end();
    expect(await scene.execution()).toMatchObject({
      status: 'failed',
      error: { code: 'invalid_input', message: expect.stringContaining('table') },
    });
    expect(scene.events()).toEqual(['workflow.started', 'workflow.failed']);
  });

  it('records nothing under a name that no execution id can have', async () => {
    const answer = await scene.open(INPUT, { executionArn: `${EXECUTION_ARN}.two` });
    expect(answer).toMatchObject({ ok: false, error: { code: 'invalid_name' } });
    expect(scene.executions.outbox()).toEqual([]);
  });
});

describe('a start that the control API recorded', () => {
  it('keeps its proven requester and tenant when it is the same start', async () => {
    scene.executions.seed({ executions: [starting] });
    expect(await scene.open()).toMatchObject({ ok: true });
    expect(await scene.execution()).toMatchObject({
      status: 'running',
      requester: ADA,
      tenant: 'acme',
      startedAt: STARTED_AT,
      eventCount: 1,
    });
  });

  it('does not lend its requester to another input under the same name', async () => {
    scene.executions.seed({ executions: [starting] });
    await scene.open({ table: 'payments' });
    expect(await scene.execution()).toMatchObject({ requester: UNVERIFIED, tenant: 'default' });
  });

  it('does not lend its requester to a machine that was started before it', async () => {
    const late = { ...starting, startedAt: new Date(Date.parse(STARTED_AT) + 1).toISOString() };
    scene.executions.seed({ executions: [late] });
    await scene.open();
    expect((await scene.execution()).requester).toMatchObject({ type: 'unverified' });
  });

  it('is refused when it was cancelled before it was opened', async () => {
    const ending = { status: 'cancelled', actor: ADA, reason: 'enough' } as const;
    scene.executions.seed({ executions: [{ ...starting, ending }] });
    expect(await scene.open()).toMatchObject({ ok: false, error: { code: 'execution_closed' } });
    expect(scene.events()).toEqual([]);
  });

  it('is refused when it is cancelled in the very moment', async () => {
    scene.executions.seed({ executions: [starting] });
    beforeNextCommit(scene.executions, () => scene.beginToCancel());
    expect(await scene.open()).toMatchObject({ ok: false, error: { code: 'execution_closed' } });
  });

  it('looks again when its requester was taken back in the very moment', async () => {
    scene.executions.seed({ executions: [starting] });
    beforeNextCommit(scene.executions, () =>
      scene.executions.commit({
        executionId: EXECUTION_ID,
        changes: [{ item: 'execution', set: { requester: { ...ADA, type: 'unverified' } } }],
        events: [],
      }),
    );
    await scene.open();
    expect((await scene.execution()).requester.type).toBe('unverified');
  });
});
