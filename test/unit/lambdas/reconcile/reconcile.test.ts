import { beforeEach, describe, expect, it } from 'vitest';
import type { Check } from '../../../../lambdas/reconcile/check.ts';
import { openExecutions } from '../../../../lambdas/reconcile/checks/open-executions.ts';
import { orphanedTasks } from '../../../../lambdas/reconcile/checks/orphaned-tasks.ts';
import { silentLeases } from '../../../../lambdas/reconcile/checks/silent-leases.ts';
import { unpublishedEvents } from '../../../../lambdas/reconcile/checks/unpublished-events.ts';
import type { ReconcilePorts } from '../../../../lambdas/reconcile/ports.ts';
import { CHECKS, failuresOf, reconcile } from '../../../../lambdas/reconcile/reconcile.ts';
import type { PrepareAnswer } from '../../../../lib/execution/machine.ts';
import { outcomeSigner } from '../../../../lib/sandbox/sign-outcome.ts';
import {
  APPLY,
  beforeNextCommit,
  EXECUTION_ARN,
  EXECUTION_ID,
  ExecutionScene,
} from '../../../_helpers/execution-scene.ts';
import { anExecution } from '../../../_helpers/fakes/records.ts';

let scene: ExecutionScene;
let remaining: number;
let resumed: string[];
beforeEach(() => {
  scene = new ExecutionScene();
  remaining = 50_000;
  resumed = [];
});

function ports(changed: Partial<ReconcilePorts> = {}): ReconcilePorts {
  const { executions, blobs, signals, outbox, audit, bus, tasks, machines, clock, ids, stage } = scene;
  const { ledger, budgets, announcements } = scene;
  return {
    executions,
    blobs,
    signals,
    outbox,
    audit,
    bus,
    tasks,
    machines,
    clock,
    ids,
    stage,
    ledger,
    budgets,
    announcements,
    resumeApprovals: async (approvalIds) => void resumed.push(...approvalIds),
    remainingMs: () => remaining,
    ...changed,
  };
}
const repaired = async (check: Check) => {
  const { repaired: count, failures } = await check.run(ports());
  expect(failures).toEqual([]);
  return count;
};

async function claimed(): Promise<{ prepared: PrepareAnswer; taskArn: string }> {
  await scene.open();
  scene.machines.set(EXECUTION_ARN, { status: 'RUNNING' });
  const prepared = await scene.prepare();
  const taskArn = scene.startTask(prepared);
  await scene.claim(prepared, taskArn);
  return { prepared, taskArn };
}

describe('unpublished events', () => {
  it('are relayed once they are overdue, and not before', async () => {
    await scene.open();
    scene.clock.advance(59);
    expect(await repaired(unpublishedEvents)).toBe(0);
    scene.clock.advance(2);
    expect(await repaired(unpublishedEvents)).toBe(1);
    expect(scene.bus.published.map(({ event }) => event.eventType)).toEqual(['workflow.started']);
    expect(await repaired(unpublishedEvents)).toBe(0);
  });

  it('keep their order: after a failure, later ones of the same execution wait', async () => {
    await scene.open();
    await scene.prepare();
    scene.clock.advance(61);
    scene.bus.failure = new Error('throttled');
    const { repaired: count, failures } = await unpublishedEvents.run(ports());
    expect([count, failures.length]).toEqual([0, 1]);
    expect(await repaired(unpublishedEvents)).toBe(2);
    expect(scene.bus.published.map(({ seq }) => seq)).toEqual([1, 2]);
  });
});

describe('a start that was never made', () => {
  const starting = anExecution({
    status: 'starting',
    startedAt: '2026-01-01T00:00:00.000Z',
    checkAt: '2026-01-01T00:05:00.000Z',
    executionArn: EXECUTION_ARN,
  });

  it('fails after five minutes', async () => {
    scene.executions.seed({ executions: [starting] });
    scene.clock.set('2026-01-01T00:04:59.000Z');
    expect(await repaired(openExecutions)).toBe(0);
    scene.clock.set('2026-01-01T00:05:01.000Z');
    expect(await repaired(openExecutions)).toBe(1);
    expect(await scene.execution()).toMatchObject({ status: 'failed', error: { code: 'internal' } });
    expect(scene.events()).toEqual(['workflow.failed']);
    expect(await repaired(openExecutions)).toBe(0);
  });

  it('is cancelled when that was why', async () => {
    scene.executions.seed({ executions: [starting] });
    await scene.beginToCancel();
    scene.clock.set('2026-01-01T00:05:01.000Z');
    await repaired(openExecutions);
    expect(await scene.execution()).toMatchObject({ status: 'cancelled' });
  });

  it('is left alone when its machine runs after all', async () => {
    scene.executions.seed({ executions: [starting] });
    scene.machines.set(EXECUTION_ARN, { status: 'RUNNING' });
    scene.clock.set('2026-01-01T00:05:01.000Z');
    expect(await repaired(openExecutions)).toBe(0);
    expect(await scene.execution()).toMatchObject({ status: 'starting', checkAt: '2026-01-01T00:10:01.000Z' });
  });

  it('is left alone when it is opened in the very moment', async () => {
    scene.executions.seed({ executions: [starting] });
    scene.clock.set('2026-01-01T00:05:01.000Z');
    beforeNextCommit(scene.executions, () => scene.open());
    expect(await repaired(openExecutions)).toBe(0);
    expect(await scene.execution()).toMatchObject({ status: 'running' });
    expect((await scene.execution()).ending).toBeUndefined();
  });
});

describe('an open execution', () => {
  it('is looked at every five minutes, and left alone while its machine runs', async () => {
    await scene.open();
    scene.machines.set(EXECUTION_ARN, { status: 'RUNNING' });
    scene.clock.advance(301);
    expect(await repaired(openExecutions)).toBe(0);
    expect((await scene.execution()).checkAt).toBe('2026-01-01T00:10:02.000Z');
  });

  it('is closed when its machine ended without anybody seeing it', async () => {
    const { taskArn } = await claimed();
    scene.machines.set(EXECUTION_ARN, { status: 'FAILED', error: 'States.Runtime', cause: 'bad path' });
    scene.clock.advance(301);
    expect(await repaired(openExecutions)).toBe(1);
    expect(await scene.execution()).toMatchObject({ status: 'failed', error: { message: 'States.Runtime: bad path' } });
    expect(scene.tasks.stopped.map((stop) => stop.taskArn)).toEqual([taskArn]);
  });

  it('is stopped once it is past its time limit, and closed as timed out by the end handler', async () => {
    await scene.open();
    scene.machines.set(EXECUTION_ARN, { status: 'RUNNING' });
    scene.clock.set('2026-01-01T01:00:01.000Z');
    // Its own work: a workflow that takes too long is no fault of the platform.
    expect(await repaired(openExecutions)).toBe(0);
    expect(await scene.execution()).toMatchObject({ status: 'running', ending: { status: 'timed_out' } });
    expect(await scene.machines.describe(EXECUTION_ARN)).toMatchObject({ status: 'ABORTED' });
    await scene.end();
    expect(await scene.execution()).toMatchObject({ status: 'timed_out', error: { code: 'timed_out' } });
    expect(scene.executions.events().at(-1)).toMatchObject({
      eventType: 'workflow.timed_out',
      data: { timeoutSeconds: 3600 },
    });
  });

  it('is stopped also when whoever wanted to end it was cut off before', async () => {
    await scene.open();
    scene.machines.set(EXECUTION_ARN, { status: 'RUNNING' });
    await scene.beginToCancel();
    scene.clock.set('2026-01-01T01:00:01.000Z');
    expect(await repaired(openExecutions)).toBe(1);
    expect((await scene.execution()).ending?.status).toBe('cancelled');
    expect(await scene.machines.describe(EXECUTION_ARN)).toMatchObject({ status: 'ABORTED' });
  });

  it('is stopped within minutes when whoever cancelled it was cut off before the machine was stopped', async () => {
    await scene.open();
    scene.machines.set(EXECUTION_ARN, { status: 'RUNNING' });
    await scene.beginToCancel();
    scene.clock.advance(301);
    expect(await repaired(openExecutions)).toBe(1);
    expect(await scene.machines.describe(EXECUTION_ARN)).toMatchObject({ status: 'ABORTED' });
    await scene.end();
    expect(await scene.execution()).toMatchObject({ status: 'cancelled' });
  });

  it('whose graph is failing is left to its graph', async () => {
    const { prepared } = await claimed();
    await scene.complete(prepared, { reason: 'timed_out', code: 124 });
    await scene.finish(prepared);
    scene.clock.advance(301);
    expect(await repaired(openExecutions)).toBe(0);
    expect(await scene.machines.describe(EXECUTION_ARN)).toMatchObject({ status: 'RUNNING' });
  });

  it('is closed here when it is past its time limit and its machine is gone', async () => {
    await scene.open();
    scene.clock.set('2026-01-01T01:00:01.000Z');
    expect(await repaired(openExecutions)).toBe(1);
    expect(await scene.execution()).toMatchObject({ status: 'timed_out' });
  });

  it('succeeds when it closes in the very moment of its time limit', async () => {
    await scene.open();
    await scene.succeed();
    scene.machines.set(EXECUTION_ARN, { status: 'RUNNING' });
    scene.clock.set('2026-01-01T01:00:01.000Z');
    beforeNextCommit(scene.executions, () => scene.close());
    expect(await repaired(openExecutions)).toBe(0);
    expect(await scene.execution()).toMatchObject({ status: 'succeeded' });
    expect(await scene.machines.describe(EXECUTION_ARN)).toMatchObject({ status: 'RUNNING' });
  });

  it('that cannot be looked at does not keep the others from it, and is looked at by the next run', async () => {
    const other = 'arn:aws:states:us-east-1:123456789012:execution:wflo-dev-report:two';
    await scene.open();
    scene.executions.seed({
      executions: [
        anExecution({ executionId: 'report:two', executionArn: other, checkAt: '2026-01-01T00:06:00.000Z' }),
      ],
    });
    scene.machines.set(other, { status: 'FAILED' });
    scene.clock.set('2026-01-01T00:10:00.000Z');
    const machines: ReconcilePorts['machines'] = {
      describe: async (arn) => {
        if (arn === EXECUTION_ARN) throw new Error('AccessDenied');
        return scene.machines.describe(arn);
      },
      stop: async () => {},
    };
    const outcome = await openExecutions.run(ports({ machines }));
    expect(outcome.repaired).toBe(1);
    expect(outcome.failures).toHaveLength(1);
    expect(await scene.executions.getExecution('report:two')).toMatchObject({ status: 'failed' });
    expect((await scene.execution()).checkAt).toBe('2026-01-01T00:10:50.000Z');
  });
});

describe('a silent lease', () => {
  it('is fenced after six minutes, its task stopped, its attempt lost', async () => {
    const { prepared, taskArn } = await claimed();
    scene.clock.advance(359);
    expect(await repaired(silentLeases)).toBe(0);
    scene.clock.advance(2);
    expect(await repaired(silentLeases)).toBe(1);
    expect(await scene.lease()).toMatchObject({ status: 'fenced', epoch: 2 });
    expect((await scene.lease()).checkAt).toBeUndefined();
    expect(await scene.attempt()).toMatchObject({ status: 'exited', exit: { reason: 'lost' } });
    expect(scene.tasks.stopped.map((stop) => stop.taskArn)).toEqual([taskArn]);
    expect(await scene.finish(prepared)).toMatchObject({ next: 'again', error: { code: 'sandbox_lost' } });
    expect(scene.events().slice(2)).toEqual(['sandbox.lost', 'step.retried']);
    expect(await repaired(silentLeases)).toBe(0);
  });

  it('is left alone when a heartbeat comes in the very moment', async () => {
    await claimed();
    scene.clock.advance(361);
    beforeNextCommit(scene.executions, () => heartbeat());
    expect(await repaired(silentLeases)).toBe(0);
    expect(await scene.lease()).toMatchObject({ status: 'claimed', epoch: 1 });
  });

  it('is left alone when the outcome comes in the very moment', async () => {
    const { prepared } = await claimed();
    scene.clock.advance(361);
    beforeNextCommit(scene.executions, () => scene.complete(prepared, { reason: 'ok', code: 0 }, { risk: 1 }));
    expect(await repaired(silentLeases)).toBe(0);
    expect(await scene.attempt()).toMatchObject({ exit: { reason: 'ok' } });
  });

  it('has the outcome that its runner left signed, and its task is stopped', async () => {
    const { prepared, taskArn } = await claimed();
    await scene.leave({ output: { text: '{"risk":12}' } });
    scene.clock.advance(359);
    expect(await repaired(silentLeases)).toBe(0);
    expect(await scene.attempt()).toMatchObject({ status: 'running' });
    scene.clock.advance(2);
    expect(await repaired(silentLeases)).toBe(1);
    expect(await scene.attempt()).toMatchObject({ status: 'exited', exit: { reason: 'ok', code: 0 } });
    expect(await scene.lease()).toMatchObject({ status: 'completed', epoch: 1 });
    expect(scene.tasks.stopped.map((stop) => stop.taskArn)).toEqual([taskArn]);
    expect(await repaired(silentLeases)).toBe(0);
    expect(await scene.finish(prepared)).toMatchObject({ next: 'ok', refs: { risk: 12 } });
    expect(scene.events().slice(2)).toEqual(['sandbox.exited', 'step.succeeded']);
    expect(scene.outcomesRefused).toEqual([]);
  });

  it('is lost with an outcome that somebody else signed, as it is without', async () => {
    const { taskArn } = await claimed();
    await scene.leave({ output: { text: '{"risk":12}' } }, { signer: outcomeSigner() });
    scene.clock.advance(361);
    expect(await repaired(silentLeases)).toBe(1);
    expect(await scene.attempt()).toMatchObject({ status: 'exited', exit: { reason: 'lost' } });
    expect(await scene.lease()).toMatchObject({ status: 'fenced', epoch: 2 });
    expect(scene.tasks.stopped.map((stop) => stop.taskArn)).toEqual([taskArn]);
    expect(scene.outcomesRefused).toEqual(['the runner that claimed did not sign it']);
    expect(scene.events().slice(2)).toEqual(['sandbox.lost']);
  });

  it('that left its outcome signed is left alone when it completes in the very moment', async () => {
    const { prepared } = await claimed();
    await scene.leave({ output: { text: '{"risk":12}' } });
    scene.clock.advance(361);
    beforeNextCommit(scene.executions, () => scene.complete(prepared, { reason: 'ok', code: 0 }, { risk: 12 }));
    expect(await repaired(silentLeases)).toBe(0);
    expect(scene.tasks.stopped).toEqual([]);
    expect(scene.events().slice(2)).toEqual([]);
  });

  it('is not concluded to be lost while the store of outcomes is away', async () => {
    await claimed();
    scene.clock.advance(361);
    scene.blobs.readSmall = async () => {
      throw new Error('SlowDown');
    };
    const { repaired: count, failures } = await silentLeases.run(ports());
    expect([count, failures]).toEqual([0, [new Error('SlowDown')]]);
    expect(await scene.lease()).toMatchObject({ status: 'claimed', epoch: 1 });
  });

  it('does not exist for a function call, which has no heartbeat', async () => {
    await scene.open();
    await scene.succeed();
    const prepared = await scene.prepare(APPLY);
    scene.invoker.answer = async () => {
      throw new Error('cut off');
    };
    await expect(scene.invoke(prepared)).rejects.toThrow('cut off');
    scene.clock.advance(3600);
    expect(await repaired(silentLeases)).toBe(0);
  });

  const heartbeat = () =>
    scene.executions.commit({
      executionId: EXECUTION_ID,
      changes: [{ item: 'lease', path: 'plan', attempt: 1, set: { lastHeartbeatAt: scene.clock.now().toISOString() } }],
      events: [],
    });
});

describe('a running task', () => {
  it('is left alone while its lease is offered or claimed', async () => {
    await scene.open();
    const prepared = await scene.prepare();
    const taskArn = scene.startTask(prepared);
    expect(await repaired(orphanedTasks)).toBe(0);
    await scene.claim(prepared, taskArn);
    expect(await repaired(orphanedTasks)).toBe(0);
  });

  it('is stopped when its lease was fenced', async () => {
    const { prepared, taskArn } = await claimed();
    scene.executions.beforeCommit = undefined;
    await scene.finish(prepared, undefined, { Error: 'States.Timeout', Cause: '' });
    scene.tasks.add({ taskArn: 'arn:late', environment: (await scene.tasks.describe(taskArn))?.environment ?? {} });
    // Whoever fenced it was about to stop it: for a minute that is no repair.
    expect(await repaired(orphanedTasks)).toBe(0);
    expect(scene.tasks.stopped.at(-1)?.taskArn).toBe('arn:late');
    scene.clock.advance(61);
    scene.tasks.add({ taskArn: 'arn:later', environment: (await scene.tasks.describe(taskArn))?.environment ?? {} });
    expect(await repaired(orphanedTasks)).toBe(1);
    expect(scene.tasks.stopped.at(-1)?.taskArn).toBe('arn:later');
  });

  it('is stopped when its lease or its execution does not exist', async () => {
    await scene.open();
    const prepared = await scene.prepare();
    scene.startTask({ ...prepared, leaseId: 'unknown' });
    expect(await repaired(orphanedTasks)).toBe(1);
    scene.startTask({ ...prepared, attempt: 7 });
    expect(await repaired(orphanedTasks)).toBe(1);
  });

  it('has five minutes to end after its outcome was accepted', async () => {
    const { prepared } = await claimed();
    await scene.complete(prepared, { reason: 'ok', code: 0 }, { risk: 1 });
    scene.clock.advance(299);
    expect(await repaired(orphanedTasks)).toBe(0);
    scene.clock.advance(2);
    expect(await repaired(orphanedTasks)).toBe(1);
  });

  it('has its turn in some run, however many there are and however little time', async () => {
    await scene.open();
    const running = Array.from({ length: 50 }, (_, index) => `arn:somebody/${index}`);
    for (const taskArn of running) scene.tasks.add({ taskArn });
    const seen = new Set<string>();
    const tasks: ReconcilePorts['tasks'] = {
      describe: async (taskArn) => {
        seen.add(taskArn);
        remaining -= 10_000;
        return scene.tasks.describe(taskArn);
      },
      findByLease: (leaseId) => scene.tasks.findByLease(leaseId),
      stop: (taskArn, reason) => scene.tasks.stop(taskArn, reason),
      listRunning: () => scene.tasks.listRunning(),
    };
    for (let run = 0; run < 100; run += 1) {
      remaining = 50_000;
      await orphanedTasks.run(ports({ tasks }));
      scene.clock.advance(60);
    }
    expect(seen.size).toBe(running.length);
  });

  it('is left alone when no workflow started it', async () => {
    scene.tasks.add({ taskArn: 'arn:somebody', environment: { OTHER: 'x' } });
    expect(await repaired(orphanedTasks)).toBe(0);
  });
});

describe('a run', () => {
  it('makes every check, whatever becomes of the others', async () => {
    const failing: Check = {
      name: 'failing',
      run: async () => {
        throw new Error('no access');
      },
    };
    const counting: Check = { name: 'counting', run: async () => ({ repaired: 3, failures: [] }) };
    const results = await reconcile(ports(), [failing, counting]);
    expect(results.map(({ check, repaired: count }) => [check, count])).toEqual([
      ['failing', 0],
      ['counting', 3],
    ]);
    expect(failuresOf(results)).toEqual([new Error('no access')]);
  });

  it('gives each check its share of the time, and what is left to those that were cut off', async () => {
    const order: string[] = [];
    /** Each look takes a second. */
    const slow = (name: string, looks: number): Check => {
      let left = looks;
      return {
        name,
        run: async ({ remainingMs }) => {
          let done = 0;
          while (left > 0 && remainingMs() >= 10_000) {
            remaining -= 1000;
            left -= 1;
            done += 1;
          }
          order.push(`${name} ${done}`);
          return { repaired: done, failures: [], cutOff: left > 0 };
        },
      };
    };
    const results = await reconcile(ports(), [slow('flooded', 5000), slow('quiet', 3), slow('busy', 20)]);
    // 40 seconds are to be had: a third of them, then of what is left a half, then all of it.
    expect(order.slice(0, 3)).toEqual(['flooded 14', 'quiet 3', 'busy 20']);
    expect(results.map(({ check }) => check)).toEqual(['flooded', 'quiet', 'busy']);
    expect(results.find(({ check }) => check === 'flooded')?.repaired).toBe(18);
    expect(remaining).toBeLessThan(10_000);
  });

  it('comes to those behind a thousand overdue executions that always fail', async () => {
    const arnOf = (index: number) => `arn:aws:states:us-east-1:123456789012:execution:wflo-dev-report:n${index}`;
    const executions = Array.from({ length: 1040 }, (_, index) =>
      anExecution({
        executionId: `report:n${index}`,
        executionArn: arnOf(index),
        checkAt: new Date(Date.parse('2026-01-01T00:00:00.000Z') + index).toISOString(),
      }),
    );
    scene.executions.seed({ executions });
    scene.clock.set('2026-01-01T00:10:00.000Z');
    const failing = new Set(Array.from({ length: 1000 }, (_, index) => arnOf(index)));
    const machines: ReconcilePorts['machines'] = {
      describe: async (arn) => {
        if (failing.has(arn)) throw new Error('AccessDenied');
        return { status: 'FAILED', startedAt: '2026-01-01T00:00:00.000Z', error: 'gone' };
      },
      stop: async () => {},
    };
    const counts: number[] = [];
    for (let run = 0; run < 2; run += 1) {
      counts.push((await openExecutions.run(ports({ machines }))).repaired);
      scene.clock.advance(60);
    }
    expect(counts).toEqual([0, 40]);
  });

  it('tells how long the oldest thing has been due', async () => {
    await scene.open();
    scene.clock.set('2026-01-01T00:15:01.000Z');
    scene.machines.set(EXECUTION_ARN, { status: 'RUNNING' });
    expect(await openExecutions.run(ports())).toMatchObject({ lateSeconds: 600 });
    expect(await unpublishedEvents.run(ports())).toMatchObject({ repaired: 1, lateSeconds: 840 });
  });

  it('counts as a repair only what the normal path has not done within a minute', async () => {
    await scene.open();
    scene.clock.set('2026-01-01T00:06:00.000Z');
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED', endedAt: '2026-01-01T00:05:30.000Z' });
    expect(await repaired(openExecutions)).toBe(0);
    expect(await scene.execution()).toMatchObject({ status: 'cancelled' });
  });

  it('begins nothing new when its time is nearly over', async () => {
    await scene.open();
    scene.clock.advance(61);
    remaining = 9_000;
    expect(await repaired(unpublishedEvents)).toBe(0);
    expect(scene.bus.published).toEqual([]);
  });

  it('has a check of its own name for each kind of overdue thing', async () => {
    expect(CHECKS.map(({ name }) => name)).toEqual([
      'frozen-leases',
      'unpublished-events',
      'silent-leases',
      'overdue-approvals',
      'open-executions',
      'orphaned-tasks',
      'expired-holds',
      'unsettled-holds',
    ]);
    expect(failuresOf(await reconcile(ports()))).toEqual([]);
  });
});
