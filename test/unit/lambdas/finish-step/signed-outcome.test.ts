import { beforeEach, describe, expect, it } from 'vitest';
import type { CaughtError, PrepareAnswer, SandboxStepConfig } from '../../../../lib/execution/machine.ts';
import { outcomeSigner } from '../../../../lib/sandbox/sign-outcome.ts';
import { beforeNextCommit, EXECUTION_ID, ExecutionScene, PLAN } from '../../../_helpers/execution-scene.ts';
import { outcomeText } from '../../../_helpers/signed-outcome.ts';

const RISKY: SandboxStepConfig = { ...PLAN, effects: 'irreversible' };
const RUN_FAILED: CaughtError = { Error: 'States.TaskFailed', Cause: '{}' };
const OUTPUT = { output: { text: '{"risk":12}' } };

let scene: ExecutionScene;
let prepared: PrepareAnswer;
let taskArn: string;
beforeEach(async () => {
  scene = new ExecutionScene();
  await scene.open();
  prepared = await scene.prepare();
  taskArn = scene.startTask(prepared);
  await scene.claim(prepared, taskArn);
});

const told = () => scene.events().slice(2);

/** The runner gave up to deliver, or was killed while it tried. */
const ENDS = ['runner ended: exit=75', 'host went away: exit=137'];

describe.each(ENDS)('a task that ended with an outcome that nobody took (%s)', (reason) => {
  it('has succeeded by what its runner left signed, also where it has effects', async () => {
    await scene.leave(OUTPUT);
    await scene.tasks.stop(taskArn, reason);
    expect(await scene.finish(prepared, RISKY, RUN_FAILED)).toMatchObject({ next: 'ok', refs: { risk: 12 } });
    expect(await scene.attempt()).toMatchObject({ status: 'succeeded', exit: { reason: 'ok', code: 0 } });
    expect(await scene.lease()).toMatchObject({ status: 'completed', epoch: 1 });
    expect(told()).toEqual(['sandbox.exited', 'step.succeeded']);
    expect(scene.outcomesRefused).toEqual([]);
  });

  it('has failed by what its runner left signed, and is not lost', async () => {
    await scene.leave({ exit: { reason: 'agent_failed', code: 3, message: 'exit code 3' } });
    await scene.tasks.stop(taskArn, reason);
    expect(await scene.finish(prepared, RISKY, RUN_FAILED)).toMatchObject({
      next: 'failed',
      error: { code: 'agent_failed', message: 'exit code 3' },
    });
    expect(told()).toEqual(['sandbox.exited', 'step.failed']);
  });

  it('is lost without it', async () => {
    await scene.tasks.stop(taskArn, reason);
    expect(await scene.finish(prepared, PLAN, RUN_FAILED)).toMatchObject({
      next: 'again',
      error: { code: 'sandbox_lost' },
    });
    expect(await scene.lease()).toMatchObject({ status: 'fenced', epoch: 2 });
    expect(told()).toEqual(['sandbox.lost', 'step.retried']);
    expect(scene.outcomesRefused).toEqual([]);
  });

  it('is lost with one that somebody else signed, as it is without', async () => {
    await scene.leave(OUTPUT, { signer: outcomeSigner() });
    await scene.tasks.stop(taskArn, reason);
    expect(await scene.finish(prepared, RISKY, RUN_FAILED)).toMatchObject({
      next: 'failed',
      error: { code: 'outcome_unknown' },
    });
    expect(await scene.attempt()).toMatchObject({ status: 'outcome_unknown', exit: { reason: 'lost' } });
    expect(await scene.attempt()).not.toHaveProperty('output');
    expect(told()).toEqual(['sandbox.lost', 'step.failed']);
    expect(scene.outcomesRefused).toEqual(['the runner that claimed did not sign it']);
  });
});

describe('a signed outcome', () => {
  it('of an earlier attempt does not count for a later one', async () => {
    const first = await scene.lease();
    await scene.tasks.stop(taskArn, 'host went away');
    await scene.finish(prepared, PLAN, RUN_FAILED);
    scene.clock.advance(30);
    const second = await scene.prepare();
    const task = scene.startTask(second);
    await scene.claim(second, task);
    const lease = await scene.lease('plan', 2);
    const key = `uploads/report/one/plan/2/outcome-${lease.leaseId}.json`;
    scene.blobs.uploads.set(key, outcomeText(first, OUTPUT));
    await scene.tasks.stop(task, 'host went away');
    expect(await scene.finish(second, PLAN, RUN_FAILED)).toMatchObject({ error: { code: 'sandbox_lost' } });
    expect(scene.outcomesRefused).toEqual(['it is for another attempt']);
  });

  it('is not looked at where the outcome was reported', async () => {
    await scene.complete(prepared, { reason: 'ok', code: 0 }, { risk: 1 });
    await scene.leave({ exit: { reason: 'agent_failed', code: 3 } });
    expect(await scene.finish(prepared)).toMatchObject({ next: 'ok', refs: { risk: 1 } });
    expect(scene.outcomesRefused).toEqual([]);
  });

  it('gives way to a completion that comes in the very moment', async () => {
    await scene.leave(OUTPUT);
    beforeNextCommit(scene.executions, () => scene.complete(prepared, { reason: 'ok', code: 0 }, { risk: 12 }));
    expect(await scene.finish(prepared)).toMatchObject({ next: 'ok', refs: { risk: 12 } });
    expect(told()).toEqual(['step.succeeded']);
  });

  it('is taken once by two calls at the same time', async () => {
    await scene.leave(OUTPUT);
    await scene.tasks.stop(taskArn, 'runner ended: exit=75');
    const [one, other] = await Promise.all([scene.finish(prepared), scene.finish(prepared)]);
    expect(one).toEqual(other);
    expect(told()).toEqual(['sandbox.exited', 'step.succeeded']);
  });

  it('is what is recorded of an execution that is being cancelled', async () => {
    await scene.leave({ exit: { reason: 'killed', code: 143, signal: 'SIGTERM' } });
    await scene.beginToCancel();
    await scene.tasks.stop(taskArn, 'runner ended: exit=75');
    await scene.finish(prepared, RISKY, RUN_FAILED);
    expect(await scene.attempt()).toMatchObject({ status: 'cancelled', exit: { reason: 'killed', code: 143 } });
    expect(told()).toEqual(['sandbox.exited', 'step.cancelled']);
  });

  it('changes nothing of an execution that has ended', async () => {
    await scene.leave(OUTPUT);
    await scene.beginToCancel();
    scene.machines.set((await scene.execution()).executionArn, { status: 'ABORTED' });
    await scene.end();
    const before = [await scene.attempt(), await scene.lease(), scene.events()];
    expect(await scene.finish(prepared)).toMatchObject({ next: 'failed', error: { code: 'execution_closed' } });
    expect([await scene.attempt(), await scene.lease(), scene.events()]).toEqual(before);
  });

  it('whose upload is missing does not count', async () => {
    const key = `uploads/report/one/plan/1/output-${'d'.repeat(64)}.json`;
    await scene.leave({ output: { key, sha256: 'd'.repeat(64), bytes: 5 } });
    await scene.tasks.stop(taskArn, 'runner ended: exit=75');
    expect(await scene.finish(prepared)).toMatchObject({ next: 'again', error: { code: 'sandbox_lost' } });
    expect(scene.outcomesRefused).toEqual([expect.stringContaining(key)]);
    expect(await scene.executions.getAttempt(EXECUTION_ID, 'plan', 1)).not.toHaveProperty('output');
  });
});
