import { beforeEach, describe, expect, it } from 'vitest';
import { prepareOrReserve } from '../../../../lambdas/prepare-step/prepare-or-reserve.ts';
import { usd } from '../../../../lib/budget/money.ts';
import { WfloError } from '../../../../lib/errors.ts';
import type { PrepareAnswer, SandboxStepConfig, WorkflowConfig } from '../../../../lib/execution/machine.ts';
import { beforeNextCommit, EXECUTION_ID, PLAN, WORKFLOW } from '../../../_helpers/execution-scene.ts';
import { TEST_PRICES } from '../../../_helpers/fakes/cost-ports.ts';
import { GATED_WORKFLOW, GateScene, POLICY } from '../../../_helpers/gate-scene.ts';

/** A minute and ten for half a cent a second. */
const WORST = usd('3.3');
const HOLD = 'compute:plan:1';
const MODELS: SandboxStepConfig = { ...PLAN, agent: 'planner', models: ['claude-*'], rate: { concurrent: 2 } };
const GATED_PLAN: SandboxStepConfig = { ...PLAN, approval: POLICY };

let scene: GateScene;
beforeEach(() => {
  scene = new GateScene();
});
const withBudget = (execution: number, workflow: WorkflowConfig = WORKFLOW): WorkflowConfig => ({
  ...workflow,
  budget: { execution: usd(execution), agents: {}, alertsAt: [], onExceeded: 'stop' },
});
const open = (execution: number) =>
  scene.open({ table: 'orders' }, { workflow: JSON.stringify(withBudget(execution)) });
const hold = (holdId = HOLD) => scene.ledger.getHold(EXECUTION_ID, holdId);
const spent = () => scene.ledger.getScope({ kind: 'execution', executionId: EXECUTION_ID });

describe('the sandbox of a step', () => {
  it('is reserved for its time limit and ten minutes, before anything of it starts', async () => {
    await open(5);
    expect(await scene.prepare(MODELS)).toMatchObject({ route: 'run' });
    expect(await hold()).toMatchObject({
      kind: 'compute',
      state: 'open',
      amount: WORST,
      payer: { tenant: 'default', workflow: 'report', path: 'plan', attempt: 1, agent: 'planner' },
      purpose: { provider: 'fargate', model: 'X86_64 0.25 vCPU 512 MiB', priceBook: TEST_PRICES.priceBook },
    });
    expect(await hold()).not.toHaveProperty('expiresAt');
    expect(await scene.attempt()).toMatchObject({ compute: { seconds: 660, cpuUnits: 256, agent: 'planner' } });
  });

  it('has the models and the rate of its frozen payload in its lease', async () => {
    await open(50);
    await scene.prepare(MODELS);
    expect((await scene.lease()).modelAccess).toEqual({
      tenant: 'default',
      workflow: 'report',
      agent: 'planner',
      models: ['claude-*'],
      rate: { concurrent: 2 },
      onExceeded: 'stop',
    });
    await scene.succeed({ ...PLAN, path: 'other' });
    expect((await scene.lease('other')).modelAccess).toMatchObject({ agent: 'other', models: [] });
  });

  it('starts for exactly what is left', async () => {
    await open(3.3);
    expect(await scene.prepare()).toMatchObject({ route: 'run' });
  });

  it('does not start where that does not fit: it is told, and the execution ends as over its budget', async () => {
    await open(3.29);
    const prepared = await scene.prepare();
    expect(prepared).toMatchObject({ attempt: 1, route: 'deny' });
    expect(await hold()).toBeUndefined();
    expect(scene.ledger.announcements()).toMatchObject([
      {
        chainId: EXECUTION_ID,
        events: [
          {
            eventType: 'cost.exceeded',
            stepPath: 'plan',
            data: {
              scope: { kind: 'execution' },
              limitNanoUsd: 3_290_000_000,
              neededNanoUsd: WORST,
              onExceeded: 'stop',
            },
          },
        ],
      },
    ]);
    expect(await scene.finish(prepared)).toMatchObject({ next: 'failed', error: { code: 'budget_exhausted' } });
    expect(await scene.attempt()).toMatchObject({ status: 'failed', error: { code: 'budget_exhausted' } });
    expect(await scene.execution()).toMatchObject({
      ending: { status: 'budget_exceeded', error: { code: 'budget_exceeded', stepPath: 'plan' } },
    });
    expect(scene.costs()).toEqual([]);
    scene.machines.set(scene.machines.executionArn(EXECUTION_ID), { status: 'FAILED', error: 'budget_exhausted' });
    await scene.end();
    expect(await scene.execution()).toMatchObject({ status: 'budget_exceeded', error: { code: 'budget_exceeded' } });
    expect(scene.events().at(-1)).toBe('workflow.budget_exceeded');
  });

  it('is tried again where others hold the rest, as long as retries are left', async () => {
    await open(5);
    await scene.prepare({ ...PLAN, path: 'other' });
    const held = await scene.prepare();
    expect(held.route).toBe('deny');
    expect(await scene.finish(held)).toMatchObject({ next: 'again', error: { code: 'budget_held' } });
    expect(scene.events().at(-1)).toBe('step.retried');
    scene.clock.advance(10);
    await scene.ledger.release(EXECUTION_ID, 'compute:other:1');
    expect(await scene.prepare()).toMatchObject({ attempt: 2, route: 'run' });
    const last = { ...PLAN, path: 'last', retry: { ...PLAN.retry, maxRetries: 0 } };
    const again = await scene.prepare(last);
    expect(await scene.finish(again, last)).toMatchObject({ next: 'failed', error: { code: 'budget_held' } });
    expect(await scene.execution()).toMatchObject({ ending: { status: 'budget_exceeded' } });
  });

  it('costs nothing in a price book that says so, and is reserved all the same', async () => {
    const free = { vcpuHour: usd(0), gibHour: usd(0) };
    scene.prices = { ...TEST_PRICES, rates: { X86_64: free, ARM64: free } };
    await open(0.01);
    expect(await scene.prepare()).toMatchObject({ route: 'run' });
    expect(await hold()).toMatchObject({ state: 'open', amount: 0 });
  });

  it('is not reserved in executions of before there were budgets', async () => {
    await open(5);
    await scene.executions.commit({
      executionId: EXECUTION_ID,
      changes: [{ item: 'execution', remove: ['budget'] }],
      events: [],
    });
    expect(await scene.prepare(MODELS)).toMatchObject({ route: 'run' });
    expect(await hold()).toBeUndefined();
    expect(await scene.lease()).not.toHaveProperty('modelAccess');
  });
});

describe('a Prepare that is repeated or cut off', () => {
  it('holds once, however often it is called', async () => {
    await open(5);
    const at = scene.clock.now().toISOString();
    await Promise.all([scene.prepare(PLAN, at), scene.prepare(PLAN, at), scene.prepare(PLAN, at)]);
    expect(await spent()).toMatchObject({ held: WORST, inflight: 1 });
  });

  it('finds its hold when it was cut off before the attempt', async () => {
    await open(5);
    scene.executions.beforeCommit = async () => {
      throw new Error('out of time');
    };
    const at = scene.clock.now().toISOString();
    await expect(scene.prepare(PLAN, at)).rejects.toThrow('out of time');
    scene.executions.beforeCommit = undefined;
    expect(await hold()).toMatchObject({ state: 'open' });
    expect(await scene.prepare(PLAN, at)).toMatchObject({ attempt: 1, route: 'run' });
    expect(await spent()).toMatchObject({ held: WORST, inflight: 1 });
  });

  it('lets go of what it held when the execution ended in between', async () => {
    await open(5);
    beforeNextCommit(scene.executions, () => scene.beginToCancel());
    expect(await scene.prepare()).toMatchObject({ attempt: 0, route: 'deny' });
    expect(await hold()).toMatchObject({ state: 'released' });
    expect(await spent()).toMatchObject({ held: 0, inflight: 0 });
  });

  it('starts nothing while the ledger is away', async () => {
    await open(5);
    scene.ledger.failure = new WfloError('ledger_unreachable', 'away');
    await expect(scene.prepare()).rejects.toMatchObject({ code: 'ledger_unreachable' });
    await expect(scene.attempt()).rejects.toThrow();
  });
});

describe('a sandbox that waits for people', () => {
  async function asked(execution: number): Promise<PrepareAnswer> {
    await scene.openedBy('ada', { table: 'orders' }, withBudget(execution, { ...GATED_WORKFLOW, gates: [] }));
    const prepared = await scene.prepare(GATED_PLAN);
    expect(prepared.route).toBe('ask');
    scene.waiting.waiting.add('token-1');
    await scene.ask(prepared);
    return prepared;
  }
  const grant = () => scene.decide('bob', 'approve', 'report:one:plan:1');
  const reserve = (prepared: PrepareAnswer) =>
    prepareOrReserve(scene, { schema: 1, executionId: EXECUTION_ID, step: JSON.stringify(GATED_PLAN), prepared });

  it('holds nothing meanwhile, and what it needs from then on', async () => {
    const prepared = await asked(5);
    expect(await hold()).toBeUndefined();
    await grant();
    expect(await reserve(prepared)).toEqual({ ...prepared, route: 'run' });
    expect(await hold()).toMatchObject({ state: 'open', amount: WORST });
    expect(await reserve(prepared)).toEqual({ ...prepared, route: 'run' });
    expect(await spent()).toMatchObject({ held: WORST, inflight: 1 });
  });

  it('is not reserved where nobody has granted it, whatever the state says', async () => {
    const prepared = await asked(5);
    expect(await reserve(prepared)).toMatchObject({ route: 'deny' });
    expect(await hold()).toBeUndefined();
  });

  it('does not start where it does not fit then, and keeps its approval for a repeat', async () => {
    const prepared = await asked(5);
    await scene.prepare({ ...PLAN, path: 'other' });
    await grant();
    const denied = await reserve(prepared);
    expect(denied).toMatchObject({ route: 'deny' });
    expect(await scene.lease()).toMatchObject({ status: 'fenced' });
    expect(await scene.finish(denied, GATED_PLAN)).toMatchObject({ next: 'again', error: { code: 'budget_held' } });
    await scene.ledger.release(EXECUTION_ID, 'compute:other:1');
    scene.clock.advance(5);
    expect(await scene.prepare(GATED_PLAN)).toMatchObject({ attempt: 2, route: 'run' });
    expect(await scene.attempt('plan', 2)).toMatchObject({ approvalId: prepared.approvalId });
    expect(await hold('compute:plan:2')).toMatchObject({ state: 'open' });
  });

  it('is not reserved in an execution that is ending', async () => {
    const prepared = await asked(5);
    await grant();
    await scene.beginToCancel();
    expect(await reserve(prepared)).toMatchObject({ route: 'deny' });
    expect(await hold()).toBeUndefined();
  });
});
