import { beforeEach, describe, expect, it } from 'vitest';
import type { WorkflowConfig } from '../../../../lib/execution/machine.ts';
import { type ExecutionRecord, type Freeze, NOTHING_FROZEN } from '../../../../lib/execution/records.ts';
import { canonicalJson, type Json, sha256 } from '../../../../lib/json.ts';
import {
  beforeNextCommit,
  EXECUTION_ARN,
  EXECUTION_ID,
  ExecutionScene,
  STARTED_AT,
  WORKFLOW,
} from '../../../_helpers/execution-scene.ts';
import { aGroup, aPerson } from '../../../_helpers/fakes/fake-people-store.ts';
import { anExecution } from '../../../_helpers/fakes/records.ts';
import { GATED, GATED_WORKFLOW } from '../../../_helpers/gate-scene.ts';

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
    ['unknown_option', { table: 'orders', wflo: { budget: 1 } }],
    ['invalid_budget', { table: 'orders', wflo: { budgetUsd: 'much' } }],
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

describe('a direct start that may not begin', () => {
  const freeze = (fields: Partial<Freeze>) =>
    scene.executions.seed({ freeze: { ...NOTHING_FROZEN, version: 1, reason: 'wrong rows', ...fields } });
  const opened = (config: WorkflowConfig = WORKFLOW, input: Json = INPUT) =>
    scene.open(input, { workflow: JSON.stringify(config) });
  const bounded: WorkflowConfig = { ...WORKFLOW, maxConcurrent: 2 };
  const count = (tenant = 'default') => scene.executions.openCount(tenant, 'report');

  /** Recorded as an execution that is ending, and closed as failed with the same error; nothing was prepared. */
  async function refusedWith(code: string): Promise<void> {
    expect(await scene.execution()).toMatchObject({
      status: 'running',
      requester: UNVERIFIED,
      ending: { status: 'failed', error: { code } },
    });
    expect(await scene.execution()).not.toHaveProperty('input');
    expect(await scene.prepare()).toMatchObject({ route: 'deny' });
    scene.machines.set(EXECUTION_ARN, { status: 'FAILED', error: code, cause: 'x' });
    await scene.end();
    expect(await scene.execution()).toMatchObject({ status: 'failed', error: { code } });
    expect(scene.events()).toEqual(['workflow.started', 'workflow.failed']);
  }

  it.each<[string, Partial<Freeze>]>([
    ['everything', { all: true }],
    ['its workflow', { workflows: ['report'] }],
    ['its tenant', { tenants: ['default'] }],
  ])('because an emergency stop holds %s', async (_what, held) => {
    freeze(held);
    expect(await opened()).toMatchObject({
      ok: false,
      state: null,
      error: { code: 'frozen', message: expect.stringContaining('wrong rows') },
    });
    await refusedWith('frozen');
  });

  it('because an emergency stop holds it, also when that is lifted before the call is repeated', async () => {
    freeze({ all: true });
    const first = await opened();
    freeze({});
    expect(await opened()).toEqual(first);
  });

  it('because as many are open as the workflow allows, and it is not counted', async () => {
    scene.executions.seed({ open: [{ tenant: 'default', workflow: 'report', open: 2 }] });
    expect(await opened(bounded)).toMatchObject({ ok: false, error: { code: 'too_many_executions' } });
    await refusedWith('too_many_executions');
    expect(await count()).toBe(2);
  });

  it('because the last place was taken in the very moment', async () => {
    scene.executions.seed({ open: [{ tenant: 'default', workflow: 'report', open: 1 }] });
    beforeNextCommit(scene.executions, async () => {
      scene.executions.seed({ open: [{ tenant: 'default', workflow: 'report', open: 2 }] });
    });
    expect(await opened(bounded)).toMatchObject({ ok: false, error: { code: 'too_many_executions' } });
    expect(await count()).toBe(2);
  });

  it('of 50 at once exactly as many begin as may, and the others are recorded as refused', async () => {
    const workflow = JSON.stringify({ ...bounded, maxConcurrent: 7 });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        scene.open(INPUT, { workflow, executionArn: EXECUTION_ARN.replace(/one$/, `n${index}`) }),
      ),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(7);
    expect(answers.filter(({ error }) => error?.code === 'too_many_executions')).toHaveLength(43);
    expect(await count()).toBe(7);
    const { items } = await scene.executions.listExecutions({ tenant: 'default', limit: 100 });
    expect(items).toHaveLength(50);
    expect(items.filter(({ counted, ending }) => counted === 'default' && ending === undefined)).toHaveLength(7);
  });

  it('because a gate cannot be passed by one of one, who could be the requester', async () => {
    scene.people.seed({ people: [aPerson({ personId: 'bob' })], groups: [aGroup('owners', ['bob'])] });
    expect(await opened(GATED_WORKFLOW)).toMatchObject({ ok: false, error: { code: 'approvers_missing' } });
    expect((await scene.execution()).ending?.error).toMatchObject({ stepPath: 'apply' });
    await refusedWith('approvers_missing');
  });

  it('is told that before its input is looked at', async () => {
    freeze({ all: true });
    expect(await opened(WORKFLOW, {})).toMatchObject({ ok: false, error: { code: 'frozen' } });
  });
});

describe('a direct start that is counted', () => {
  const workflow = JSON.stringify({ ...WORKFLOW, maxConcurrent: 2 });
  const count = (tenant = 'default') => scene.executions.openCount(tenant, 'report');

  it('is counted once, by two calls at the same time and a repeat', async () => {
    await Promise.all([scene.open(INPUT, { workflow }), scene.open(INPUT, { workflow })]);
    await scene.open(INPUT, { workflow });
    expect(await scene.execution()).toMatchObject({ counted: 'default' });
    expect(await count()).toBe(1);
    expect(scene.events()).toEqual(['workflow.started']);
  });

  it('is not counted where its input is refused', async () => {
    await scene.open({}, { workflow });
    expect(await count()).toBe(0);
    expect(await scene.execution()).not.toHaveProperty('counted');
  });

  it('is not counted where the workflow has no limit', async () => {
    await scene.open();
    expect(await count()).toBe(0);
  });

  it('is counted off when it succeeds', async () => {
    await scene.open(INPUT, { workflow });
    expect(await scene.close({ literal: null })).toMatchObject({ ok: true });
    expect(await scene.close({ literal: null })).toMatchObject({ ok: true });
    expect(await count()).toBe(0);
  });

  it('is counted off when its output cannot be built, once its end is written', async () => {
    await scene.open(INPUT, { workflow });
    expect(await scene.close()).toMatchObject({ ok: false });
    expect(await count()).toBe(1);
    scene.machines.set(EXECUTION_ARN, { status: 'FAILED', error: 'internal', cause: 'x' });
    await Promise.all([scene.end(), scene.end()]);
    expect(await count()).toBe(0);
  });
});

describe('what the control API has counted', () => {
  const workflow = JSON.stringify({ ...WORKFLOW, maxConcurrent: 2 });
  const count = (tenant: string) => scene.executions.openCount(tenant, 'report');
  const reserved = (fields: Partial<ExecutionRecord> = {}) =>
    scene.executions.seed({
      executions: [{ ...starting, counted: 'acme', ...fields }],
      open: [{ tenant: 'acme', workflow: 'report', open: 2 }],
    });

  it('has its place: it is opened at the limit, and not counted again', async () => {
    reserved();
    expect(await scene.open(INPUT, { workflow })).toMatchObject({ ok: true });
    expect(await scene.execution()).toMatchObject({ tenant: 'acme', counted: 'acme' });
    expect([await count('acme'), await count('default')]).toEqual([2, 0]);
  });

  it('is counted off where it was counted', async () => {
    reserved();
    await scene.open(INPUT, { workflow });
    await scene.close({ literal: null });
    expect([await count('acme'), await count('default')]).toEqual([1, 0]);
  });

  it('keeps its place where a direct start of that name has another input, and gives it back there', async () => {
    reserved();
    expect(await scene.open({ table: 'payments' }, { workflow })).toMatchObject({ ok: true });
    expect(await scene.execution()).toMatchObject({ requester: UNVERIFIED, tenant: 'default', counted: 'acme' });
    expect([await count('acme'), await count('default')]).toEqual([2, 0]);
    await scene.close({ literal: null });
    expect([await count('acme'), await count('default')]).toEqual([1, 0]);
  });

  it('keeps its place until its end where Open refuses it', async () => {
    reserved();
    scene.executions.seed({ freeze: { ...NOTHING_FROZEN, version: 1, tenants: ['acme'], reason: 'odd' } });
    expect(await scene.open(INPUT, { workflow })).toMatchObject({ ok: false, error: { code: 'frozen' } });
    expect(await count('acme')).toBe(2);
    scene.machines.set(EXECUTION_ARN, { status: 'FAILED', error: 'frozen', cause: 'x' });
    await scene.end();
    expect(await count('acme')).toBe(1);
  });

  it('is counted by Open where the limit came with a deploy in between', async () => {
    scene.executions.seed({ executions: [starting] });
    expect(await scene.open(INPUT, { workflow })).toMatchObject({ ok: true });
    expect(await scene.execution()).toMatchObject({ counted: 'acme' });
    expect(await count('acme')).toBe(1);
  });

  it('stays counted where the limit went with a deploy in between, and is counted off', async () => {
    reserved();
    await scene.open();
    expect(await count('acme')).toBe(2);
    await scene.close({ literal: null });
    expect(await count('acme')).toBe(1);
  });
});

describe('a direct start under a name that the control API reserved', () => {
  const direct = { startedAt: '2025-12-31T23:59:58.999Z' };

  it.each<[string, Json, Record<string, string>]>([
    ['has another input', { table: 'payments' }, {}],
    ['has one field more', { table: 'orders', days: 30 }, {}],
    ['began before the record', INPUT, direct],
    ['has another input and began before', { table: 'payments' }, direct],
  ])('is nobody’s where it %s', async (_what, input, event) => {
    scene.executions.seed({ executions: [starting] });
    await scene.open(input, event);
    expect(await scene.execution()).toMatchObject({ requester: UNVERIFIED, tenant: 'default' });
    expect(scene.executions.events(EXECUTION_ID)).toMatchObject([
      { actor: UNVERIFIED, data: { requester: UNVERIFIED } },
    ]);
  });

  it('needs one approver more at its gate, as nobody’s', async () => {
    const people = ['ada', 'bob'].map((personId) => aPerson({ personId }));
    scene.people.seed({ people, groups: [aGroup('owners', ['ada', 'bob'])] });
    const requester = { type: 'person', id: 'ada', via: 'api' } as const;
    scene.executions.seed({ executions: [{ ...starting, tenant: 'default', requester }] });
    await scene.open({ table: 'payments' }, { workflow: JSON.stringify(GATED_WORKFLOW) });
    await scene.prepare(GATED);
    const [approval] = await scene.executions.listApprovals(EXECUTION_ID);
    expect(approval).toMatchObject({ groups: [{ group: 'owners', min: 2 }], requester: UNVERIFIED });
  });

  it('is the one that was announced where it has its input and began with the record', async () => {
    scene.executions.seed({ executions: [starting] });
    await scene.open(INPUT, { startedAt: starting.startedAt });
    expect(await scene.execution()).toMatchObject({ requester: ADA, tenant: 'acme' });
  });
});
