import { beforeEach, describe, expect, it } from 'vitest';
import { endExecution } from '../../../../lambdas/end-execution/end.ts';
import { seenEnd } from '../../../../lambdas/end-execution/status-change.ts';
import { openExecutions } from '../../../../lambdas/reconcile/checks/open-executions.ts';
import { relayItem } from '../../../../lambdas/relay-events/relay.ts';
import { verifyChain } from '../../../../lib/audit/chain.ts';
import type { PrepareAnswer, SandboxStepConfig, StepConfig } from '../../../../lib/execution/machine.ts';
import { sha256 } from '../../../../lib/json.ts';
import { outcomeSigner } from '../../../../lib/sandbox/sign-outcome.ts';
import {
  beforeNextCommit,
  EXECUTION_ARN,
  EXECUTION_ID,
  ExecutionScene,
  PLAN,
} from '../../../_helpers/execution-scene.ts';
import { aLease, anApproval, anAttempt } from '../../../_helpers/fakes/records.ts';

let scene: ExecutionScene;
beforeEach(() => {
  scene = new ExecutionScene();
});

async function running(): Promise<{ prepared: PrepareAnswer; taskArn: string }> {
  await scene.open();
  const prepared = await scene.prepare();
  const taskArn = scene.startTask(prepared);
  await scene.claim(prepared, taskArn);
  return { prepared, taskArn };
}

describe('an execution that was stopped', () => {
  it('is closed: right taken away, task stopped, attempt cancelled, end told last', async () => {
    const { prepared, taskArn } = await running();
    await scene.beginToCancel('wrong table');
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    expect(await scene.end()).toBe('ended');
    expect(await scene.execution()).toMatchObject({ status: 'cancelled', endedAt: scene.clock.now().toISOString() });
    // Once more, for what its sandboxes still hold.
    expect((await scene.execution()).checkAt).toBe('2026-01-01T00:02:01.000Z');
    expect((await scene.execution()).error).toBeUndefined();
    expect(await scene.attempt()).toMatchObject({ status: 'cancelled' });
    expect(await scene.lease()).toMatchObject({ status: 'fenced', epoch: 2 });
    expect(scene.tasks.stopped.map((stop) => stop.taskArn)).toEqual([taskArn]);
    expect(await scene.complete(prepared, { reason: 'ok', code: 0 }, { risk: 1 })).toBe(false);
    expect(scene.events().slice(2)).toEqual(['step.cancelled', 'workflow.cancelled']);
    expect(scene.executions.events().at(-1)).toMatchObject({ actor: { id: 'ada' }, data: { reason: 'wrong table' } });
  });

  it('is closed once, however often the event comes', async () => {
    await running();
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    await Promise.all([scene.end(), scene.end()]);
    expect(await scene.end()).toBe('already');
    expect(scene.events().slice(2)).toEqual(['step.cancelled', 'workflow.cancelled']);
  });

  it('stops a task that was started for a lease which nobody has claimed', async () => {
    await scene.open();
    const prepared = await scene.prepare();
    const taskArn = scene.startTask(prepared);
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    await scene.end();
    expect(scene.tasks.stopped.map((stop) => stop.taskArn)).toEqual([taskArn]);
    expect(await scene.claim(prepared, taskArn)).toBe(false);
  });

  it('keeps what had ended as it was', async () => {
    await scene.open();
    await scene.succeed();
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    await scene.end();
    expect(await scene.attempt()).toMatchObject({ status: 'succeeded' });
    expect(scene.events()).not.toContain('step.cancelled');
  });
});

describe('an attempt that was claimed and may do harm', () => {
  const RISKY = { ...PLAN, effects: 'irreversible' } as const;

  async function cancelled(step: StepConfig): Promise<void> {
    await scene.open();
    const prepared = await scene.prepare(step);
    await scene.claim(prepared, scene.startTask(prepared));
    await scene.beginToCancel();
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
  }

  it('has an unknown outcome when its execution is stopped, and its task is stopped', async () => {
    await cancelled(RISKY);
    await scene.end();
    expect(await scene.attempt()).toMatchObject({
      status: 'outcome_unknown',
      error: { code: 'outcome_unknown', stepPath: 'plan' },
    });
    expect(await scene.lease()).toMatchObject({ status: 'fenced' });
    expect(scene.tasks.stopped).toHaveLength(1);
    expect(scene.events().slice(2)).toEqual(['step.failed', 'workflow.cancelled']);
    expect(await scene.execution()).toMatchObject({ status: 'cancelled' });
  });

  it('is cancelled where a repeat does no harm, or where it reported its end', async () => {
    await cancelled({ ...RISKY, idempotent: true });
    await scene.end();
    expect(await scene.attempt()).toMatchObject({ status: 'cancelled' });

    scene = new ExecutionScene();
    await cancelled(RISKY);
    await scene.complete(
      { attempt: 1, route: 'run', leaseId: '', code: '', approvalId: '' },
      { reason: 'killed', code: 143 },
    );
    await scene.end();
    expect(await scene.attempt()).toMatchObject({ status: 'cancelled', exit: { reason: 'killed' } });
  });
});

describe('many open attempts and a long reason', () => {
  it('are cancelled in events that fit an item of the outbox (400 KB)', async () => {
    await scene.open();
    for (let index = 0; index < 40; index += 1) await scene.prepare({ ...PLAN, path: `plan-${index}` });
    await scene.beginToCancel('x'.repeat(20_000));
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    await scene.end();
    const cancelled = scene.executions.events(EXECUTION_ID).filter(({ eventType }) => eventType === 'step.cancelled');
    expect(cancelled).toHaveLength(40);
    expect(Buffer.byteLength(JSON.stringify(cancelled))).toBeLessThan(400_000);
    expect((await scene.execution()).ending?.reason).toHaveLength(20_000);
  });
});

describe('how it ended', () => {
  it('is what the record says, whatever Step Functions says', async () => {
    await running();
    await scene.beginToCancel();
    scene.machines.set(EXECUTION_ARN, { status: 'FAILED', error: 'States.Runtime', cause: 'x' });
    await scene.end();
    expect(await scene.execution()).toMatchObject({ status: 'cancelled' });
  });

  it.each([
    [{ status: 'ABORTED' }, 'cancelled', 'workflow.cancelled', undefined],
    [{ status: 'TIMED_OUT' }, 'timed_out', 'workflow.timed_out', 'timed_out'],
    [{ status: 'FAILED', error: 'agent_failed', cause: 'exit code 3' }, 'failed', 'workflow.failed', 'agent_failed'],
    [{ status: 'FAILED', error: 'X.AccessDenied', cause: 'not authorized' }, 'failed', 'workflow.failed', 'forbidden'],
    [{ status: 'SUCCEEDED' }, 'failed', 'workflow.failed', 'internal'],
  ] as const)('is what Step Functions says where the record says nothing: %j', async (machine, status, event, code) => {
    await scene.open();
    scene.machines.set(EXECUTION_ARN, machine);
    await scene.end();
    const execution = await scene.execution();
    expect(execution.status).toBe(status);
    expect(execution.error?.code).toBe(code);
    expect(scene.events().at(-1)).toBe(event);
  });

  it('is the failure of the step that ended it', async () => {
    await scene.open();
    const prepared = await scene.prepare();
    const taskArn = scene.startTask(prepared);
    await scene.claim(prepared, taskArn);
    await scene.complete(prepared, { reason: 'timed_out', code: 124, message: 'the agent ran for 60 seconds' });
    await scene.finish(prepared);
    scene.machines.set(EXECUTION_ARN, { status: 'FAILED', error: 'timed_out', cause: 'cut' });
    await scene.end();
    expect(await scene.execution()).toMatchObject({
      status: 'failed',
      error: { code: 'timed_out', message: 'the agent ran for 60 seconds', stepPath: 'plan' },
    });
    expect(await scene.attempt()).toMatchObject({ status: 'failed' });
  });
});

describe('a call that was cut off', () => {
  it('before the end was written: the next one goes on, and nothing is told twice', async () => {
    const { taskArn } = await running();
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    let commits = 0;
    scene.executions.beforeCommit = () => {
      commits += 1;
      if (commits === 3) throw new Error('out of time');
    };
    await expect(scene.end()).rejects.toThrow('out of time');
    expect(await scene.execution()).toMatchObject({ status: 'running', ending: { status: 'cancelled' } });
    scene.executions.beforeCommit = undefined;
    expect(await scene.end()).toBe('ended');
    expect(scene.tasks.stopped.map((stop) => stop.taskArn)).toEqual([taskArn]);
    expect(scene.events().slice(2)).toEqual(['step.cancelled', 'workflow.cancelled']);
  });

  it('before its tasks were stopped: the next one stops them', async () => {
    const { taskArn } = await running();
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    const broken = {
      ...pick(scene),
      tasks: {
        describe: async () => {
          throw new Error('ECS is away');
        },
        findByLease: async () => undefined,
        stop: async () => {},
        listRunning: async () => [],
      },
    };
    await expect(endExecution(broken, EXECUTION_ARN)).rejects.toThrow('ECS is away');
    expect(scene.tasks.stopped).toEqual([]);
    await scene.end();
    expect(scene.tasks.stopped.map((stop) => stop.taskArn)).toEqual([taskArn]);
    expect(await scene.execution()).toMatchObject({ status: 'cancelled' });
  });
});

describe('what a sandbox left signed before its execution ended', () => {
  const RISKY: SandboxStepConfig = { ...PLAN, effects: 'irreversible' };
  async function acting(): Promise<void> {
    await scene.open();
    const prepared = await scene.prepare(RISKY);
    await scene.claim(prepared, scene.startTask(prepared, RISKY), RISKY);
  }

  it('is its outcome: what it did is known', async () => {
    await acting();
    await scene.leave({ output: { text: '{"risk":12}' } });
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    expect(await scene.end()).toBe('ended');
    expect(await scene.execution()).toMatchObject({ status: 'cancelled' });
    expect(await scene.attempt()).toMatchObject({ status: 'cancelled', exit: { reason: 'ok', code: 0 } });
    expect(await scene.lease()).toMatchObject({ status: 'completed' });
    expect(scene.events().slice(2)).toEqual(['sandbox.exited', 'step.cancelled', 'workflow.cancelled']);
  });

  it('counts for nothing where another has signed it: how far it came is unknown', async () => {
    await acting();
    await scene.leave({ output: { text: '{"risk":12}' } }, { signer: outcomeSigner() });
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    expect(await scene.end()).toBe('ended');
    expect(await scene.attempt()).toMatchObject({ status: 'outcome_unknown' });
    expect(scene.outcomesRefused).toEqual(['the runner that claimed did not sign it']);
  });

  it('is not passed over while the store of outcomes is away: the end is tried again', async () => {
    await acting();
    scene.blobs.readSmall = async () => {
      throw new Error('SlowDown');
    };
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    await expect(scene.end()).rejects.toThrow('SlowDown');
    expect(await scene.attempt()).toMatchObject({ status: 'running' });
  });
});

describe('the time limit of a whole machine', () => {
  it('is over once, whoever finds it first: reconcile, the event of the machine, or both at the same time', async () => {
    await running();
    scene.machines.set(EXECUTION_ARN, { status: 'RUNNING' });
    scene.clock.set('2026-01-01T01:10:01.000Z');
    const reconcile = { ...scene, resumeApprovals: async () => {}, remainingMs: () => 50_000 };
    const looks = () => openExecutions.run(reconcile);
    const timedOut = () => {
      scene.machines.set(EXECUTION_ARN, { status: 'TIMED_OUT' });
      return scene.end();
    };
    await Promise.all([looks(), timedOut(), looks(), timedOut()]);
    await Promise.all([looks(), scene.end()]);
    expect(await scene.execution()).toMatchObject({ status: 'timed_out', error: { code: 'timed_out' } });
    expect(scene.events().filter((type) => type.startsWith('workflow.'))).toEqual([
      'workflow.started',
      'workflow.timed_out',
    ]);
    expect(scene.events().filter((type) => type === 'step.cancelled')).toHaveLength(1);
    expect(await scene.lease()).toMatchObject({ status: 'fenced' });
    scene.clock.advance(300);
    await looks();
    expect(await scene.execution()).not.toHaveProperty('checkAt');
  });
});

describe('races', () => {
  it('takes a completion that came first', async () => {
    const { prepared } = await running();
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    let commits = 0;
    scene.executions.beforeCommit = async () => {
      commits += 1;
      if (commits !== 2) return;
      await scene.complete(prepared, { reason: 'ok', code: 0 }, { risk: 1 });
    };
    await scene.end();
    scene.executions.beforeCommit = undefined;
    expect(await scene.attempt()).toMatchObject({ status: 'cancelled', exit: { reason: 'ok' } });
    expect(await scene.lease()).toMatchObject({ status: 'completed' });
  });

  it('keeps an ending that somebody wrote in the very moment', async () => {
    await running();
    scene.machines.set(EXECUTION_ARN, { status: 'FAILED', error: 'States.Runtime', cause: 'x' });
    beforeNextCommit(scene.executions, () => scene.beginToCancel());
    await scene.end();
    expect(await scene.execution()).toMatchObject({ status: 'cancelled' });
  });
});

describe('more than a transaction takes', () => {
  it('is closed in parts, the end last, with a chain that counts right', async () => {
    await scene.open();
    const numbers = Array.from({ length: 150 }, (_, index) => index + 1);
    scene.executions.seed({
      attempts: numbers.map((attempt) => anAttempt({ path: `p${attempt}`, attempt: 1, status: 'running' })),
      leases: numbers.map((attempt) =>
        aLease({ path: `p${attempt}`, attempt: 1, status: 'claimed', leaseId: `l${attempt}` }),
      ),
    });
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    await scene.end();
    const attempts = await scene.executions.listAttempts(EXECUTION_ID);
    expect(new Set(attempts.map(({ status }) => status))).toEqual(new Set(['cancelled']));
    const leases = await scene.executions.listLeases(EXECUTION_ID);
    expect(new Set(leases.map(({ status }) => status))).toEqual(new Set(['fenced']));
    expect(scene.events().filter((type) => type === 'step.cancelled')).toHaveLength(150);
    expect(scene.events().at(-1)).toBe('workflow.cancelled');
    for (const item of scene.executions.outbox(EXECUTION_ID)) await relayItem(scene, item, item);
    const { items } = await scene.audit.list(EXECUTION_ID, 0, 1000);
    expect(verifyChain(items, (await scene.execution()).eventCount)).toMatchObject({ ok: true });
  });
});

describe('more requests for approval than a transaction takes', () => {
  const COUNT = 95;
  const paths = Array.from({ length: COUNT }, (_, index) => `gate-${index}`);

  beforeEach(async () => {
    await scene.open();
    scene.executions.seed({
      attempts: paths.map((path) => anAttempt({ path, kind: 'approval', status: 'waiting_approval' })),
      approvals: [
        ...paths.map((path) => anApproval({ path })),
        anApproval({ path: 'granted', status: 'granted', version: 2 }),
        anApproval({ path: 'rejected', status: 'rejected', version: 2 }),
      ],
    });
    await scene.beginToCancel('wrong table');
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
  });
  const byStatus = async (status: string) =>
    (await scene.executions.listApprovals(EXECUTION_ID)).filter((approval) => approval.status === status);
  const cancellations = () =>
    scene.executions.events(EXECUTION_ID).filter(({ eventType }) => eventType === 'approval.cancelled');

  it('are all closed before the end is told, each once, and what was decided stays', async () => {
    await scene.end();
    expect(await byStatus('pending')).toEqual([]);
    const closed = await byStatus('cancelled');
    expect(closed).toHaveLength(COUNT);
    expect(closed.every(({ version, checkAt }) => version === 2 && checkAt === undefined)).toBe(true);
    expect((await byStatus('granted')).map(({ path }) => path)).toEqual(['granted']);
    expect((await byStatus('rejected')).map(({ path }) => path)).toEqual(['rejected']);
    expect(new Set(cancellations().map(({ data }) => data.approvalId))).toEqual(
      new Set(closed.map(({ approvalId }) => approvalId)),
    );
    expect(cancellations()).toHaveLength(COUNT);
    expect(cancellations()[0]).toMatchObject({ actor: { id: 'ada' }, data: { reason: 'wrong table' } });
    expect(scene.events().at(-1)).toBe('workflow.cancelled');
  });

  it('are closed to the last also when the call was cut off in between', async () => {
    let commits = 0;
    scene.executions.beforeCommit = () => {
      commits += 1;
      if (commits === 2) throw new Error('out of time');
    };
    await expect(scene.end()).rejects.toThrow('out of time');
    expect(await byStatus('pending')).toHaveLength(COUNT - 40);
    expect(scene.events()).not.toContain('workflow.cancelled');
    scene.executions.beforeCommit = undefined;
    await scene.end();
    expect(await byStatus('pending')).toEqual([]);
    expect(cancellations()).toHaveLength(COUNT);
  });

  it('are all closed where another call closed one of them in the very moment', async () => {
    const [first] = await byStatus('pending');
    if (first === undefined) throw new Error('nothing is pending');
    const { approvalId } = first;
    beforeNextCommit(scene.executions, () =>
      scene.executions.commit({
        executionId: EXECUTION_ID,
        changes: [{ item: 'approval', approvalId, set: { status: 'cancelled', version: 2 }, remove: ['checkAt'] }],
        events: [],
      }),
    );
    await scene.end();
    expect(await byStatus('pending')).toEqual([]);
    expect(cancellations()).toHaveLength(COUNT - 1);
  });

  it('are closed once by two calls at the same time', async () => {
    await Promise.all([scene.end(), scene.end()]);
    expect(await byStatus('cancelled')).toHaveLength(COUNT);
    expect(cancellations()).toHaveLength(COUNT);
    expect(scene.events().filter((type) => type === 'workflow.cancelled')).toHaveLength(1);
  });
});

describe('an execution that was never opened', () => {
  it.each(['{"table":1e999}', '['.repeat(50_000) + ']'.repeat(50_000)])(
    'is recorded whatever its input is',
    async (input) => {
      scene.machines.set(EXECUTION_ARN, { status: 'FAILED', error: 'States.Runtime', cause: 'x', input });
      expect(await scene.end()).toBe('ended');
      expect(await scene.execution()).toMatchObject({ status: 'failed', inputHash: sha256('') });
    },
  );

  it('is recorded as it ended', async () => {
    scene.machines.set(EXECUTION_ARN, {
      status: 'FAILED',
      error: 'Lambda.AWSLambdaException',
      cause: 'User: r is not authorized to perform: lambda:InvokeFunction',
      input: '{"table":"orders"}',
    });
    expect(await scene.end()).toBe('ended');
    expect(await scene.execution()).toMatchObject({
      status: 'failed',
      error: { code: 'forbidden', message: expect.stringContaining('lambda:InvokeFunction') },
      requester: { type: 'unverified' },
    });
    expect(scene.events()).toEqual(['workflow.failed']);
    expect(await scene.end()).toBe('already');
  });
});

describe('what is not ours', () => {
  it.each([
    'arn:aws:states:us-east-1:123456789012:execution:other:one',
    'arn:aws:states:us-east-1:123456789012:execution:wflo-prod-report:one',
    'arn:aws:states:us-east-1:123456789012:execution:wflo-dev-report:one.two',
  ])('is left alone: %s', async (arn) => {
    scene.machines.set(arn, { status: 'FAILED' });
    expect(await endExecution(scene, arn)).toBe('ignored');
    expect(scene.executions.outbox()).toEqual([]);
  });

  it('is left alone while it runs', async () => {
    await scene.open();
    scene.machines.set(EXECUTION_ARN, { status: 'RUNNING' });
    expect(await scene.end()).toBe('ignored');
    expect((await scene.execution()).ending).toBeUndefined();
  });

  it('believes the event where the machine is gone', async () => {
    await scene.open();
    expect(await endExecution(scene, EXECUTION_ARN, { status: 'ABORTED' })).toBe('ended');
  });
});

describe('seenEnd', () => {
  it('is the end that an event tells of', () => {
    const executionArn = EXECUTION_ARN;
    expect(seenEnd({ executionArn, status: 'FAILED', error: 'e', cause: null })).toEqual({
      status: 'FAILED',
      error: 'e',
    });
    expect(seenEnd({ executionArn, status: 'RUNNING' })).toBeUndefined();
    expect(seenEnd({ executionArn, status: 'SUCCEEDED' })).toBeUndefined();
  });
});

function pick({ executions, blobs, signals, machines, clock, ids, stage, ...scene }: ExecutionScene) {
  const { ledger, budgets } = scene;
  return { executions, blobs, signals, machines, clock, ids, stage, ledger, budgets };
}
