import { beforeEach, describe, expect, it } from 'vitest';
import type { PrepareAnswer, SandboxStepConfig } from '../../../../lib/execution/machine.ts';
import type { Exit } from '../../../../lib/sandbox/exit.ts';
import { beforeNextCommit, EXECUTION_ID, ExecutionScene, PLAN } from '../../../_helpers/execution-scene.ts';

const OK: Exit = { reason: 'ok', code: 0 };
const RISKY: SandboxStepConfig = { ...PLAN, effects: 'irreversible' };

let scene: ExecutionScene;
let prepared: PrepareAnswer;
let taskArn: string;
beforeEach(async () => {
  scene = new ExecutionScene();
  await scene.open();
  prepared = await scene.prepare();
  taskArn = scene.startTask(prepared);
});

const told = () => scene.events().slice(2);

describe('an attempt that ended well', () => {
  it('lets the step succeed, with the handle of its output and the scalars of the graph', async () => {
    await scene.claim(prepared, taskArn);
    await scene.complete(prepared, OK, { risk: 12, note: 'fine' });
    const answer = await scene.finish(prepared);
    const attempt = await scene.attempt();
    expect(attempt).toMatchObject({ status: 'succeeded', exit: OK, answer });
    expect(answer).toEqual({
      next: 'ok',
      waitSeconds: 0,
      ref: attempt.output,
      refs: { risk: 12 },
      error: { code: '', message: '' },
    });
    expect(await scene.lease()).toMatchObject({ status: 'completed', epoch: 1 });
    expect(told()).toEqual(['step.succeeded']);
    expect((await scene.execution()).ending).toBeUndefined();
  });

  it('completes the output with the defaults of the schema', async () => {
    await scene.claim(prepared, taskArn);
    await scene.complete(prepared, OK, { risk: 12 });
    const { ref } = await scene.finish(prepared);
    expect(ref && (await scene.blobs.get(EXECUTION_ID, ref))).toEqual({ risk: 12, note: 'none' });
  });

  it('needs no output where none is declared', async () => {
    const { outputSchema: _, ...rest } = PLAN;
    const step: SandboxStepConfig = { ...rest, refs: [] };
    await scene.claim(prepared, taskArn);
    await scene.complete(prepared, OK);
    expect(await scene.finish(prepared, step)).toMatchObject({ next: 'ok', ref: null, refs: {} });
  });

  it('is believed although Run failed', async () => {
    await scene.claim(prepared, taskArn);
    await scene.complete(prepared, OK, { risk: 1 });
    const caught = { Error: 'States.TaskFailed', Cause: '{}' };
    expect(await scene.finish(prepared, PLAN, caught)).toMatchObject({ next: 'ok' });
  });

  it.each([
    ['no_output', undefined],
    ['invalid_output', { risk: 'high' }],
    ['invalid_output', 'text'],
  ])('fails the step when the output is not as declared: %s', async (code, output) => {
    await scene.claim(prepared, taskArn);
    await scene.complete(prepared, OK, output);
    expect(await scene.finish(prepared)).toMatchObject({ next: 'failed', ref: null, error: { code } });
    expect(await scene.attempt()).toMatchObject({ status: 'failed', error: { code, stepPath: 'plan' } });
  });

  it('fails the step when the graph reads more than fits the state', async () => {
    const step: SandboxStepConfig = { ...PLAN, refs: [{ alias: 'note', path: ['note'] }] };
    await scene.claim(prepared, taskArn);
    await scene.complete(prepared, OK, { risk: 1, note: 'x'.repeat(5000) });
    expect(await scene.finish(prepared, step)).toMatchObject({ next: 'failed', error: { code: 'ref_too_large' } });
  });

  it('fails the step when what it wrote could not be taken', async () => {
    await scene.claim(prepared, taskArn);
    await scene.complete(prepared, OK);
    const error = { code: 'output_too_large', message: 'the output has 11 MiB' } as const;
    await scene.executions.commit({
      executionId: EXECUTION_ID,
      changes: [{ item: 'attempt', path: 'plan', attempt: 1, set: { error } }],
      events: [],
    });
    expect(await scene.finish(prepared)).toMatchObject({ next: 'failed', error });
  });

  it('fails the step when the stored output was changed', async () => {
    await scene.claim(prepared, taskArn);
    await scene.complete(prepared, OK, { risk: 12 });
    const { output } = await scene.attempt();
    if (output !== undefined) scene.blobs.tamper(EXECUTION_ID, output, '{"risk":0}');
    expect(await scene.finish(prepared)).toMatchObject({ next: 'failed', error: { code: 'payload_changed' } });
  });
});

describe('an attempt that failed by itself', () => {
  const failed: Exit = { reason: 'agent_failed', code: 3, message: 'exit code 3' };

  it('is repeated after a wait where that does no harm', async () => {
    await scene.claim(prepared, taskArn);
    await scene.complete(prepared, failed);
    expect(await scene.finish(prepared)).toMatchObject({
      next: 'again',
      waitSeconds: 1,
      error: { code: 'agent_failed' },
    });
    expect(await scene.attempt()).toMatchObject({ status: 'retried' });
    expect((await scene.execution()).ending).toBeUndefined();
    expect(told()).toEqual(['step.retried']);
  });

  it('ends the execution where it is not repeated, before the graph fails', async () => {
    await scene.claim(prepared, taskArn);
    await scene.complete(prepared, failed);
    expect(await scene.finish(prepared, RISKY)).toMatchObject({ next: 'failed', error: { code: 'agent_failed' } });
    expect(await scene.execution()).toMatchObject({
      status: 'running',
      ending: { status: 'failed', error: { code: 'agent_failed', message: 'exit code 3', stepPath: 'plan' } },
    });
    expect(told()).toEqual(['step.failed']);
  });

  it('does not write over an ending that was there first', async () => {
    await scene.claim(prepared, taskArn);
    await scene.beginToCancel();
    await scene.complete(prepared, { reason: 'killed', code: 143, signal: 'SIGTERM' });
    expect(await scene.finish(prepared)).toMatchObject({ next: 'failed', error: { code: 'killed' } });
    expect((await scene.execution()).ending?.status).toBe('cancelled');
    expect(await scene.attempt()).toMatchObject({ status: 'cancelled' });
    expect(told()).toEqual(['step.cancelled']);
  });

  it('is not repeated when the execution begins to end in the very moment', async () => {
    await scene.claim(prepared, taskArn);
    await scene.complete(prepared, failed);
    beforeNextCommit(scene.executions, () => scene.beginToCancel());
    expect(await scene.finish(prepared)).toMatchObject({ next: 'failed' });
    expect(told()).toEqual(['step.cancelled']);
  });
});

describe('an attempt of which nobody reported an outcome', () => {
  it('is repeated when it was lost before its claim, whatever its effects, and its lease is fenced', async () => {
    scene.tasks.add({
      taskArn,
      environment: { WFLO_LEASE: prepared.leaseId },
      lastStatus: 'STOPPED',
      stopCode: 'TaskFailedToStart',
      stoppedReason: 'CannotPullContainerError',
    });
    expect(await scene.finish(prepared, RISKY)).toMatchObject({ next: 'again', error: { code: 'image_error' } });
    expect(await scene.lease()).toMatchObject({ status: 'fenced', epoch: 2 });
    expect(await scene.claim(prepared, taskArn, RISKY)).toBe(false);
    expect(told()).toEqual(['step.retried']);
  });

  it('has an unknown outcome when it was lost after its claim and has effects', async () => {
    await scene.claim(prepared, taskArn);
    await scene.tasks.stop(taskArn, 'host went away');
    expect(await scene.finish(prepared, RISKY)).toMatchObject({ next: 'failed', error: { code: 'outcome_unknown' } });
    expect(await scene.attempt()).toMatchObject({ status: 'outcome_unknown', exit: { reason: 'lost' } });
    expect(told()).toEqual(['sandbox.lost', 'step.failed']);
  });

  it('has an unknown outcome also in an execution that is cancelled', async () => {
    await scene.claim(prepared, taskArn);
    await scene.beginToCancel();
    await scene.tasks.stop(taskArn, 'host went away');
    await scene.finish(prepared, RISKY);
    expect(await scene.attempt()).toMatchObject({ status: 'outcome_unknown' });
  });

  it('has the code of a task that ran out of memory, and is not repeated', async () => {
    await scene.claim(prepared, taskArn);
    await scene.tasks.stop(taskArn, 'OutOfMemory exit=137');
    expect(await scene.finish(prepared)).toMatchObject({ next: 'failed', error: { code: 'out_of_memory' } });
  });

  it('has an unknown outcome when it ran out of memory after its claim and has effects', async () => {
    await scene.claim(prepared, taskArn);
    await scene.tasks.stop(taskArn, 'OutOfMemory exit=137');
    expect(await scene.finish(prepared, RISKY)).toMatchObject({ next: 'failed', error: { code: 'outcome_unknown' } });
    expect(await scene.attempt()).toMatchObject({ status: 'outcome_unknown', exit: { reason: 'out_of_memory' } });
  });

  it('has its task stopped when it still runs, after the right was taken away', async () => {
    await scene.claim(prepared, taskArn);
    expect(await scene.finish(prepared, PLAN, { Error: 'States.Timeout', Cause: '' })).toMatchObject({ next: 'again' });
    expect(scene.tasks.stopped).toEqual([{ taskArn, reason: 'the attempt 1 of plan is over' }]);
    expect(await scene.complete(prepared, OK, { risk: 1 })).toBe(false);
  });

  it('says why the task could not be started', async () => {
    scene.tasks.remove(taskArn);
    const caught = { Error: 'ECS.AccessDeniedException', Cause: 'not authorized to perform: ecs:RunTask' };
    const step: SandboxStepConfig = { ...PLAN, retry: { ...PLAN.retry, maxRetries: 0 } };
    expect(await scene.finish(prepared, step, caught)).toMatchObject({
      next: 'failed',
      error: { code: 'sandbox_not_started', message: expect.stringContaining('ecs:RunTask') },
    });
  });

  it('counts when the outcome is reported in the very moment', async () => {
    await scene.claim(prepared, taskArn);
    beforeNextCommit(scene.executions, async () => {
      await scene.complete(prepared, OK, { risk: 12 });
    });
    expect(await scene.finish(prepared)).toMatchObject({ next: 'ok', refs: { risk: 12 } });
    expect(scene.tasks.stopped).toEqual([]);
    expect(told()).toEqual(['step.succeeded']);
  });
});

describe('a repeated call', () => {
  it('answers the same, and tells nothing twice', async () => {
    await scene.claim(prepared, taskArn);
    await scene.complete(prepared, OK, { risk: 12 });
    const first = await scene.finish(prepared);
    expect(await scene.finish(prepared)).toEqual(first);
    expect(told()).toEqual(['step.succeeded']);
  });

  it('keeps its wait, although chance would give another', async () => {
    const first = await scene.finish(prepared);
    const second = await scene.finish(prepared);
    expect(second).toEqual(first);
    expect(told()).toEqual(['step.retried']);
  });

  it('answers the same to two calls at the same time', async () => {
    await scene.claim(prepared, taskArn);
    await scene.complete(prepared, OK, { risk: 12 });
    const [one, other] = await Promise.all([scene.finish(prepared), scene.finish(prepared)]);
    expect(one).toEqual(other);
    expect(told()).toEqual(['step.succeeded']);
  });
});

describe('the last attempt', () => {
  it('fails the step when the policy has no more', async () => {
    for (const attempt of [1, 2]) {
      const again = attempt === 1 ? prepared : await scene.prepare();
      expect(await scene.finish(again)).toMatchObject({ next: 'again' });
      scene.clock.advance(30);
    }
    const last = await scene.prepare();
    expect(last.attempt).toBe(3);
    expect(await scene.finish(last)).toMatchObject({ next: 'failed', error: { code: 'sandbox_lost' } });
  });
});

describe('a denial without a record', () => {
  it('fails the step without a trace while the execution is ending', async () => {
    await scene.beginToCancel();
    const denied = { attempt: 0, route: 'deny', leaseId: '', code: '', approvalId: '' } as const;
    expect(await scene.finish(denied)).toMatchObject({ next: 'failed', error: { code: 'execution_closed' } });
    expect(told()).toEqual([]);
  });

  it('fails the step once the execution has ended', async () => {
    await scene.beginToCancel();
    const machine = (await scene.execution()).executionArn;
    scene.machines.set(machine, { status: 'ABORTED' });
    await scene.end();
    expect(await scene.finish(prepared)).toMatchObject({ next: 'failed', error: { code: 'execution_closed' } });
    expect(await scene.attempt()).toMatchObject({ status: 'cancelled' });
  });
});

it('keeps a message short that goes through the state', async () => {
  await scene.claim(prepared, taskArn);
  await scene.complete(prepared, { reason: 'timed_out', code: 124, message: 'x'.repeat(5000) });
  const { error } = await scene.finish(prepared);
  expect(error.message).toHaveLength(1000);
  expect((await scene.attempt()).error?.message).toHaveLength(5000);
});
