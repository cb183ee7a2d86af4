import { beforeEach, describe, expect, it } from 'vitest';
import type { PrepareAnswer } from '../../../../lib/execution/machine.ts';
import { APPLY, beforeNextCommit, EXECUTION_ID, ExecutionScene } from '../../../_helpers/execution-scene.ts';

let scene: ExecutionScene;
let prepared: PrepareAnswer;
beforeEach(async () => {
  scene = new ExecutionScene();
  await scene.open();
  await scene.succeed();
  prepared = await scene.prepare(APPLY);
});

const told = () => scene.events().slice(scene.events().indexOf('step.succeeded') + 1);

describe('a lambda step', () => {
  it('is invoked with the frozen bytes and a key that a repeat of the same work shares', async () => {
    expect(await scene.invoke(prepared)).toEqual({ invoked: true, exit: 'ok' });
    const { payloadHash } = await scene.attempt('apply');
    expect(scene.invoker.invocations).toEqual([
      {
        functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:apply:3',
        input: { risk: 12 },
        context: {
          idempotencyKey: `${EXECUTION_ID}/apply/${payloadHash}`,
          executionId: EXECUTION_ID,
          stepPath: 'apply',
          attempt: 1,
        },
        timeoutSeconds: 60,
      },
    ]);
    expect(await scene.attempt('apply')).toMatchObject({ status: 'exited', exit: { reason: 'ok', code: 0 } });
    expect(await scene.lease('apply')).toMatchObject({ status: 'completed' });
    expect(told()).toEqual(['step.prepared', 'sandbox.claimed', 'step.started', 'sandbox.exited']);
  });

  it('is invoked once, however often its call is repeated', async () => {
    await scene.invoke(prepared);
    expect(await scene.invoke(prepared)).toMatchObject({ invoked: false, code: 'claim_refused' });
    expect(scene.invoker.invocations).toHaveLength(1);
  });

  it('is invoked once when two calls come at the same time', async () => {
    const answers = await Promise.all([scene.invoke(prepared), scene.invoke(prepared)]);
    expect(answers.filter(({ invoked }) => invoked)).toHaveLength(1);
    expect(scene.invoker.invocations).toHaveLength(1);
  });

  it.each([
    ['a wrong code', { code: 'guessed' }],
    ['another lease', { leaseId: 'other' }],
    ['an attempt that does not exist', { attempt: 2 }],
  ])('is not invoked for %s', async (_, changed) => {
    expect(await scene.invoke({ ...prepared, ...changed })).toEqual({ invoked: false, code: 'claim_refused' });
    expect(scene.invoker.invocations).toEqual([]);
  });

  it('is not invoked once the execution is ending', async () => {
    await scene.beginToCancel();
    expect(await scene.invoke(prepared)).toEqual({ invoked: false, code: 'execution_closed' });
    expect(scene.invoker.invocations).toEqual([]);
  });

  it('is not invoked when the execution begins to end in the very moment', async () => {
    beforeNextCommit(scene.executions, () => scene.beginToCancel());
    expect(await scene.invoke(prepared)).toEqual({ invoked: false, code: 'execution_closed' });
    expect(scene.invoker.invocations).toEqual([]);
  });

  it('is not invoked with a payload that was changed, and fails with that code', async () => {
    const { payload } = await scene.attempt('apply');
    if (payload !== undefined) scene.blobs.tamper(EXECUTION_ID, payload, '{"kind":"lambda"}');
    expect(await scene.invoke(prepared)).toEqual({ invoked: false, code: 'payload_changed' });
    expect(scene.invoker.invocations).toEqual([]);
    expect(await scene.lease('apply')).toMatchObject({ status: 'fenced', epoch: 2 });
    expect(await scene.finish(prepared, APPLY)).toMatchObject({ next: 'failed', error: { code: 'payload_changed' } });
  });

  it('is not invoked with a payload that fits its handle but not the recorded hash', async () => {
    await scene.executions.commit({
      executionId: EXECUTION_ID,
      changes: [{ item: 'attempt', path: 'apply', attempt: 1, set: { payloadHash: 'f'.repeat(64) } }],
      events: [],
    });
    expect(await scene.invoke(prepared)).toEqual({ invoked: false, code: 'payload_changed' });
  });
});

describe('a function that does not do well', () => {
  it.each([
    ['agent_failed', { ok: false, timedOut: false, message: 'no such table' }, 'function_failed'],
    ['timed_out', { ok: false, timedOut: true, message: 'Task timed out' }, 'timed_out'],
  ] as const)('is recorded as %s, and fails the step', async (reason, result, code) => {
    scene.invoker.answer = async () => result;
    expect(await scene.invoke(prepared)).toEqual({ invoked: true, exit: reason });
    expect(await scene.finish(prepared, APPLY)).toMatchObject({
      next: 'failed',
      error: { code, message: result.message },
    });
  });

  it('was not begun when AWS refuses the call', async () => {
    scene.invoker.answer = async () => {
      throw Object.assign(new Error('not authorized to perform: lambda:InvokeFunction'), {
        name: 'AccessDeniedException',
        $fault: 'client',
      });
    };
    await scene.invoke(prepared);
    expect(await scene.finish(prepared, APPLY)).toMatchObject({
      next: 'failed',
      error: { code: 'function_failed', message: expect.stringContaining('lambda:InvokeFunction') },
    });
  });

  it('leaves the lease claimed when the call is cut off, so that Finish knows that it may have acted', async () => {
    scene.invoker.answer = async () => {
      throw new Error('socket hang up');
    };
    await expect(scene.invoke(prepared)).rejects.toThrow('socket hang up');
    expect(await scene.lease('apply')).toMatchObject({ status: 'claimed' });
    const caught = { Error: 'Runtime.HandlerError', Cause: '{"errorMessage":"socket hang up"}' };
    expect(await scene.finish(prepared, APPLY, caught)).toMatchObject({
      next: 'failed',
      error: { code: 'outcome_unknown', message: expect.stringContaining('socket hang up') },
    });
  });

  it('has its result refused when it comes after the lease was fenced', async () => {
    scene.invoker.answer = async ({ input }) => {
      await scene.finish(prepared, APPLY);
      return { ok: true, output: input };
    };
    expect(await scene.invoke(prepared)).toEqual({ invoked: false, code: 'late_result' });
    expect(await scene.attempt('apply')).toMatchObject({ status: 'outcome_unknown' });
  });
});
