import { beforeEach, describe, expect, it } from 'vitest';
import { frozenLeases } from '../../../../lambdas/reconcile/checks/frozen-leases.ts';
import { orphanedTasks } from '../../../../lambdas/reconcile/checks/orphaned-tasks.ts';
import type { ReconcilePorts } from '../../../../lambdas/reconcile/ports.ts';
import type { PrepareAnswer, SandboxStepConfig } from '../../../../lib/execution/machine.ts';
import { type Freeze, type LeaseRecord, NOTHING_FROZEN } from '../../../../lib/execution/records.ts';
import type { Records } from '../../../../lib/ports.ts';
import {
  APPLY,
  beforeNextCommit,
  EXECUTION_ARN,
  EXECUTION_ID,
  ExecutionScene,
  PLAN,
} from '../../../_helpers/execution-scene.ts';
import { aLease, anAttempt, anExecution } from '../../../_helpers/fakes/records.ts';

const RISKY: SandboxStepConfig = { ...PLAN, effects: 'irreversible' };
const REPORT: Partial<Freeze> = { workflows: ['report'] };

let scene: ExecutionScene;
beforeEach(async () => {
  scene = new ExecutionScene();
  await scene.open();
  scene.machines.set(EXECUTION_ARN, { status: 'RUNNING' });
});

function freeze(fields: Partial<Freeze>): void {
  scene.executions.seed({ freeze: { ...NOTHING_FROZEN, version: 1, reason: 'wrong rows', ...fields } });
}
function ports(): ReconcilePorts {
  return { ...scene, resumeApprovals: async () => {}, remainingMs: () => 50_000 };
}
async function repaired(): Promise<number> {
  const { repaired: count, failures } = await frozenLeases.run(ports());
  expect(failures).toEqual([]);
  return count;
}
async function acting(step: SandboxStepConfig = PLAN): Promise<{ prepared: PrepareAnswer; taskArn: string }> {
  const prepared = await scene.prepare(step);
  const taskArn = scene.startTask(prepared, step);
  await scene.claim(prepared, taskArn, step);
  return { prepared, taskArn };
}
const stopped = () => scene.tasks.stopped.map(({ taskArn }) => taskArn);
const lost = () => scene.events().filter((type) => type === 'sandbox.lost');

describe('an emergency stop', () => {
  it.each<[string, Partial<Freeze>]>([
    ['everything', { all: true }],
    ['its workflow', REPORT],
    ['its tenant', { tenants: ['default'] }],
    ['its workflow among others', { workflows: ['reindex', 'report'] }],
  ])('of %s takes the right from a sandbox that acts, and ends its task', async (_what, held) => {
    const { prepared, taskArn } = await acting();
    freeze(held);
    expect(await repaired()).toBe(1);
    expect(await scene.lease()).toMatchObject({ status: 'fenced', epoch: 2 });
    expect(await scene.lease()).not.toHaveProperty('checkAt');
    expect(scene.tasks.stopped).toEqual([{ taskArn, reason: expect.stringContaining('wrong rows') }]);
    expect(scene.executions.events().at(-1)).toMatchObject({
      eventType: 'sandbox.lost',
      actor: { type: 'system', via: 'reconcile' },
      stepPath: 'plan',
      attempt: 1,
      data: { leaseId: prepared.leaseId, reason: expect.stringContaining('wrong rows') },
    });
    expect(await scene.complete(prepared, { reason: 'ok', code: 0 }, { risk: 1 })).toBe(false);
  });

  it.each<[string, Partial<Freeze>]>([
    ['nothing', {}],
    ['another workflow', { workflows: ['reindex', 'report-2'] }],
    ['another tenant', { tenants: ['acme', 'defaults'] }],
  ])('of %s leaves it alone', async (_what, held) => {
    await acting();
    freeze(held);
    const before = scene.events();
    expect(await repaired()).toBe(0);
    expect(await scene.lease()).toMatchObject({ status: 'claimed', epoch: 1 });
    expect(stopped()).toEqual([]);
    expect(scene.events()).toEqual(before);
  });

  it('stops what it names, and nothing beside it', async () => {
    const others = ['reindex:one', 'report:two', 'report:three'].map((executionId, index) => ({
      executionId,
      taskArn: `arn:task/${index}`,
      leaseId: `01LEASE000000000000000000${index}`,
    }));
    scene.executions.seed({
      executions: others.map(({ executionId }) =>
        anExecution({ executionId, tenant: executionId === 'report:three' ? 'acme' : 'default' }),
      ),
      attempts: others.map(({ executionId }) => anAttempt({ executionId, status: 'running' })),
      leases: others.map(({ executionId, taskArn, leaseId }) =>
        aLease({ executionId, status: 'claimed', leaseId, taskArn, checkAt: '2026-01-01T00:06:00.000Z' }),
      ),
    });
    for (const { taskArn } of others) scene.tasks.add({ taskArn });
    const { taskArn } = await acting();
    freeze({ tenants: ['default'] });
    expect(await repaired()).toBe(3);
    expect([...stopped()].sort()).toEqual(['arn:task/0', 'arn:task/1', taskArn].sort());
    expect(await scene.executions.getLease('report:three', 'write', 1)).toMatchObject({ status: 'claimed', epoch: 1 });
  });

  it('leaves who has not begun to the claim, which refuses', async () => {
    const prepared = await scene.prepare();
    scene.startTask(prepared);
    freeze(REPORT);
    expect(await repaired()).toBe(0);
    expect(await scene.lease()).toMatchObject({ status: 'offered', epoch: 1 });
  });

  it('does not touch a function that was called: nothing can stop it', async () => {
    await scene.succeed();
    const prepared = await scene.prepare(APPLY);
    scene.invoker.answer = async () => {
      freeze(REPORT);
      expect(await repaired()).toBe(0);
      return { ok: true, output: { risk: 1 } };
    };
    expect(await scene.invoke(prepared)).toMatchObject({ invoked: true, exit: 'ok' });
    expect(await scene.finish(prepared, APPLY)).toMatchObject({ next: 'ok' });
  });

  it('acts once: a repeated run finds nothing to do', async () => {
    const { taskArn } = await acting();
    freeze(REPORT);
    await repaired();
    const [attempt, lease, events] = [await scene.attempt(), await scene.lease(), scene.events()];
    expect(await repaired()).toBe(0);
    expect(await scene.attempt()).toEqual(attempt);
    expect(await scene.lease()).toEqual(lease);
    expect(scene.events()).toEqual(events);
    expect(stopped()).toEqual([taskArn]);
  });

  it('of two runs at the same time is told once', async () => {
    await acting();
    freeze(REPORT);
    const counts = await Promise.all([repaired(), repaired()]);
    expect(counts.sort()).toEqual([0, 1]);
    expect(await scene.lease()).toMatchObject({ epoch: 2 });
    expect(lost()).toHaveLength(1);
  });

  it('that was lifted takes nothing more', async () => {
    await acting();
    freeze({});
    expect(await repaired()).toBe(0);
  });

  it('goes on after one that fails', async () => {
    await acting();
    await acting({ ...PLAN, path: 'second' });
    freeze(REPORT);
    const describeTask = scene.tasks.describe.bind(scene.tasks);
    scene.tasks.describe = async (arn) => {
      if (arn.includes('/plan/')) throw new Error('ECS is away');
      return describeTask(arn);
    };
    const { repaired: count, failures } = await frozenLeases.run(ports());
    expect([count, failures.length]).toEqual([1, 1]);
    expect(await scene.lease('plan')).toMatchObject({ status: 'fenced' });
    expect(await scene.lease('second')).toMatchObject({ status: 'fenced' });
    scene.tasks.describe = describeTask;
    // Its right is gone, and the check of orphaned tasks stops what was not stopped here.
    scene.clock.advance(3600);
    await orphanedTasks.run(ports());
    expect(stopped()).toHaveLength(2);
  });
});

describe('what the step ends as', () => {
  it('is frozen where a repeat would do no harm, and it is not repeated', async () => {
    const { prepared } = await acting();
    freeze(REPORT);
    await repaired();
    expect(await scene.attempt()).toMatchObject({
      status: 'running',
      error: { code: 'frozen', stepPath: 'plan', message: expect.stringContaining('wrong rows') },
    });
    expect(await scene.finish(prepared)).toMatchObject({ next: 'failed', error: { code: 'frozen' } });
    expect(await scene.attempt()).toMatchObject({ status: 'failed', error: { code: 'frozen' } });
    expect(await scene.execution()).toMatchObject({ ending: { status: 'failed', error: { code: 'frozen' } } });
  });

  it.each([
    ['has no effects', PLAN],
    ['is idempotent', { ...RISKY, idempotent: true }],
  ])('is frozen where the step %s', async (_what, step) => {
    const { prepared } = await acting(step);
    freeze(REPORT);
    await repaired();
    expect(await scene.finish(prepared, step)).toMatchObject({ next: 'failed', error: { code: 'frozen' } });
  });

  it('is unknown where it may have acted', async () => {
    const { prepared } = await acting(RISKY);
    freeze(REPORT);
    await repaired();
    expect(await scene.attempt()).toMatchObject({
      error: { code: 'outcome_unknown', stepPath: 'plan', message: expect.stringContaining('wrong rows') },
    });
    expect(await scene.finish(prepared, RISKY)).toMatchObject({ next: 'failed', error: { code: 'outcome_unknown' } });
    expect(await scene.attempt()).toMatchObject({ status: 'outcome_unknown' });
    expect(await scene.execution()).toMatchObject({ ending: { error: { code: 'outcome_unknown' } } });
  });

  it('is told as lost once, by whoever took the right', async () => {
    const { prepared } = await acting();
    freeze(REPORT);
    await repaired();
    await scene.finish(prepared);
    expect(scene.events().slice(-2)).toEqual(['sandbox.lost', 'step.failed']);
    expect(lost()).toHaveLength(1);
  });

  it('is what was reported, where that came in between', async () => {
    const { prepared, taskArn } = await acting();
    freeze(REPORT);
    beforeNextCommit(scene.executions, () => scene.complete(prepared, { reason: 'ok', code: 0 }, { risk: 12 }));
    expect(await repaired()).toBe(0);
    expect(await scene.attempt()).not.toHaveProperty('error');
    expect(stopped()).toEqual([]);
    await scene.tasks.stop(taskArn, 'runner ended: exit=0');
    expect(await scene.finish(prepared)).toMatchObject({ next: 'ok' });
    expect(lost()).toEqual([]);
  });

  it('is not changed by a heartbeat that comes in between: the right is taken all the same', async () => {
    await acting();
    freeze(REPORT);
    beforeNextCommit(scene.executions, () =>
      scene.executions.commit({
        executionId: EXECUTION_ID,
        changes: [{ item: 'lease', path: 'plan', attempt: 1, set: { lastHeartbeatAt: '2026-01-01T00:00:02.000Z' } }],
        events: [],
      }),
    );
    expect(await repaired()).toBe(1);
    expect(await scene.lease()).toMatchObject({ status: 'fenced' });
  });

  /** The index lags, and still names the lease. */
  function stillDue(seen: LeaseRecord): void {
    scene.executions.due = async <K extends 'execution' | 'lease' | 'approval'>() => [seen] as unknown as Records[K][];
  }

  it('is not touched again where the index still names a lease that was fenced', async () => {
    await acting();
    freeze(REPORT);
    const seen = await scene.lease();
    await repaired();
    stillDue(seen);
    expect(await repaired()).toBe(0);
    expect(await scene.lease()).toMatchObject({ epoch: 2 });
    expect(lost()).toHaveLength(1);
  });

  it('is left to the end handler where the execution has ended', async () => {
    await acting();
    const seen = await scene.lease();
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    await scene.end();
    const before = scene.events();
    freeze(REPORT);
    stillDue(seen);
    expect(await repaired()).toBe(0);
    expect(scene.events()).toEqual(before);
    scene.executions.seed({ leases: [seen], attempts: [{ ...(await scene.attempt()), status: 'running' }] });
    expect(await repaired()).toBe(0);
    expect(scene.events()).toEqual(before);
  });

  it('of an execution that is being cancelled is cancelled, or unknown', async () => {
    const { prepared } = await acting(RISKY);
    await scene.beginToCancel();
    freeze(REPORT);
    expect(await repaired()).toBe(1);
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    await scene.end();
    expect(await scene.attempt()).toMatchObject({ status: 'outcome_unknown' });
    expect(await scene.execution()).toMatchObject({ status: 'cancelled' });
    expect(await scene.finish(prepared, RISKY)).toMatchObject({ next: 'failed' });
  });
});

it('an emergency stop takes the outcome that a runner left signed before it', async () => {
  const { prepared, taskArn } = await acting(RISKY);
  await scene.leave({ output: { text: '{"risk":12}' } });
  freeze({ all: true });
  expect(await repaired()).toBe(1);
  expect(await scene.attempt()).toMatchObject({ status: 'exited', exit: { reason: 'ok', code: 0 } });
  expect(await scene.lease()).toMatchObject({ status: 'completed', epoch: 1 });
  expect(stopped()).toEqual([taskArn]);
  expect(lost()).toEqual([]);
  expect(await scene.finish(prepared, RISKY)).toMatchObject({ next: 'ok', refs: { risk: 12 } });
});
