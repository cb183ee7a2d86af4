import { beforeEach, describe, expect, it } from 'vitest';
import { openExecutions } from '../../../../lambdas/reconcile/checks/open-executions.ts';
import { usd } from '../../../../lib/budget/money.ts';
import { WfloError } from '../../../../lib/errors.ts';
import { entriesSha256 } from '../../../../lib/execution/attempt-cost.ts';
import type { CaughtError, PrepareAnswer } from '../../../../lib/execution/machine.ts';
import { RUNNER_ENV } from '../../../../lib/sandbox/protocol.ts';
import {
  beforeNextCommit,
  EXECUTION_ARN,
  EXECUTION_ID,
  ExecutionScene,
  PLAN,
} from '../../../_helpers/execution-scene.ts';

const HOLD = 'compute:plan:1';
const WORST = usd('3.3');

let scene: ExecutionScene;
beforeEach(async () => {
  scene = new ExecutionScene();
  await scene.open();
  scene.machines.set(EXECUTION_ARN, { status: 'RUNNING' });
});

const hold = () => scene.ledger.getHold(EXECUTION_ID, HOLD);
const scope = () => scene.ledger.getScope({ kind: 'execution', executionId: EXECUTION_ID });
const entries = async () => (await scene.ledger.listEntries(EXECUTION_ID, { limit: 100 })).items;

/** A sandbox that acts, its task started a second after it was prepared. */
async function acting(): Promise<{ readonly prepared: PrepareAnswer; readonly taskArn: string }> {
  const prepared = await scene.prepare();
  scene.clock.advance(1);
  const taskArn = scene.startTask(prepared);
  await scene.claim(prepared, taskArn);
  return { prepared, taskArn };
}
async function completed(): Promise<{ readonly prepared: PrepareAnswer; readonly taskArn: string }> {
  const { prepared, taskArn } = await acting();
  scene.clock.advance(100);
  await scene.complete(prepared, { reason: 'ok', code: 0 }, { risk: 1 });
  return { prepared, taskArn };
}
async function reconcile(): Promise<void> {
  scene.clock.advance(301);
  const outcome = await openExecutions.run({ ...scene, resumeApprovals: async () => {}, remainingMs: () => 50_000 });
  expect(outcome.failures).toEqual([]);
  expect(outcome.repaired).toBe(0);
}

describe('the cost of a sandbox', () => {
  it('is that of its task, from the pull to its end, told with the end of its attempt', async () => {
    const { prepared, taskArn } = await completed();
    await scene.tasks.stop(taskArn, 'runner ended: exit=0');
    await scene.finish(prepared);
    expect(await hold()).toMatchObject({ state: 'settled' });
    const [entry, ...others] = await entries();
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ kind: 'compute', held: WORST, cost: usd('0.5'), source: 'reported' });
    expect(scene.costs()).toEqual([
      {
        stepPath: 'plan',
        attempt: 1,
        costNanoUsd: usd('0.5'),
        calls: 0,
        entriesSha256: entriesSha256(await entries()),
      },
    ]);
    expect(await scene.attempt()).toMatchObject({ status: 'succeeded', costNanoUsd: usd('0.5') });
    expect(await scope()).toMatchObject({ spent: usd('0.5'), held: 0, inflight: 0 });
  });

  it('is settled and told once, however often Finish is called, and whoever is faster', async () => {
    const { prepared, taskArn } = await completed();
    await scene.tasks.stop(taskArn, 'runner ended: exit=0');
    beforeNextCommit(scene.executions, () => scene.finish(prepared));
    await Promise.all([scene.finish(prepared), scene.finish(prepared)]);
    await scene.finish(prepared);
    expect(await entries()).toHaveLength(1);
    expect(scene.costs()).toHaveLength(1);
    expect(await scope()).toMatchObject({ spent: usd('0.5') });
  });

  it('is settled by the repeat of a Finish that was cut off after it', async () => {
    const { prepared, taskArn } = await completed();
    await scene.tasks.stop(taskArn, 'runner ended: exit=0');
    scene.executions.beforeCommit = async () => {
      throw new Error('out of time');
    };
    await expect(scene.finish(prepared)).rejects.toThrow('out of time');
    scene.executions.beforeCommit = undefined;
    expect(scene.costs()).toEqual([]);
    expect(await scene.finish(prepared)).toMatchObject({ next: 'ok' });
    expect(scene.costs()).toMatchObject([{ costNanoUsd: usd('0.5') }]);
  });

  it('is a minute at least', async () => {
    const { prepared, taskArn } = await acting();
    scene.clock.advance(3);
    await scene.complete(prepared, { reason: 'agent_failed', code: 1 });
    await scene.tasks.stop(taskArn, 'runner ended: exit=0');
    expect(await scene.finish(prepared)).toMatchObject({ next: 'again' });
    expect(scene.costs()).toMatchObject([{ attempt: 1, costNanoUsd: usd('0.3') }]);
  });

  it('counts its model calls too, and not what other attempts cost', async () => {
    const { prepared, taskArn } = await acting();
    const payer = {
      ...{ tenant: 'default', workflow: 'report', executionId: EXECUTION_ID },
      ...{ path: 'plan', attempt: 1, agent: 'plan' },
    };
    const call = { kind: 'call', purpose: { provider: 'openai', model: 'm', priceBook: 'p' }, leaseEpoch: 1 } as const;
    for (const holdId of ['b', 'a']) {
      await scene.ledger.reserve({ ...call, holdId, payer, amount: usd(1) });
      await scene.ledger.settle({ executionId: EXECUTION_ID, holdId, cost: usd('0.25'), source: 'reported' });
    }
    const other = { ...call, kind: 'compute', holdId: 'compute:plan:2', payer: { ...payer, attempt: 2 } } as const;
    await scene.ledger.reserve({ ...other, amount: usd(1) });
    await scene.ledger.settle({ executionId: EXECUTION_ID, holdId: other.holdId, cost: usd(1), source: 'reported' });
    scene.clock.advance(100);
    await scene.complete(prepared, { reason: 'ok', code: 0 }, { risk: 1 });
    await scene.tasks.stop(taskArn, 'runner ended: exit=0');
    await scene.finish(prepared);
    const own = (await entries()).filter((entry) => entry.payer.attempt === 1);
    expect(scene.costs()).toEqual([
      { stepPath: 'plan', attempt: 1, costNanoUsd: usd(1), calls: 2, entriesSha256: entriesSha256(own) },
    ]);
    expect(entriesSha256(own.toReversed())).toBe(entriesSha256(own));
  });

  it('that is more than was held is spent in full, and its entry says so', async () => {
    const { prepared, taskArn } = await completed();
    scene.clock.advance(3600);
    await scene.tasks.stop(taskArn, 'at last');
    await scene.finish(prepared);
    expect(await entries()).toMatchObject([{ holdId: HOLD, held: WORST, cost: usd('18.5') }]);
    expect(await scope()).toMatchObject({ spent: usd('18.5'), held: 0 });
  });
});

describe('a sandbox that has not stopped', () => {
  it('stays held until it has, and reconcile settles it and tells its cost', async () => {
    const { prepared, taskArn } = await completed();
    await scene.finish(prepared);
    expect(scene.tasks.stopped).toMatchObject([]);
    expect(await hold()).toMatchObject({ state: 'open' });
    expect(scene.costs()).toEqual([]);
    await reconcile();
    expect(await hold()).toMatchObject({ state: 'open' });
    await scene.tasks.stop(taskArn, 'at last');
    await reconcile();
    expect(await hold()).toMatchObject({ state: 'settled' });
    expect(scene.costs()).toMatchObject([{ costNanoUsd: usd('2.005') }]);
    await reconcile();
    expect(scene.costs()).toHaveLength(1);
  });

  it('is settled after its execution has ended, which then is looked at no more', async () => {
    const { taskArn } = await acting();
    scene.clock.advance(100);
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    const { stop } = scene.tasks;
    scene.tasks.stop = async () => {};
    await scene.end();
    scene.tasks.stop = stop;
    expect(await scene.execution()).toMatchObject({ status: 'cancelled', checkAt: expect.any(String) });
    expect(await hold()).toMatchObject({ state: 'open' });
    await reconcile();
    expect(await scene.execution()).toHaveProperty('checkAt');
    await scene.tasks.stop(taskArn, 'at last');
    await reconcile();
    expect(await hold()).toMatchObject({ state: 'settled' });
    expect(scene.costs()).toHaveLength(1);
    expect(await scene.execution()).not.toHaveProperty('checkAt');
  });

  it('that ECS has forgotten stays held in full, as nobody knows', async () => {
    const { prepared, taskArn } = await completed();
    await scene.finish(prepared);
    scene.tasks.remove(taskArn);
    await reconcile();
    expect(await hold()).toMatchObject({ state: 'unsettled', amount: WORST });
    expect(await scope()).toMatchObject({ held: WORST, spent: 0 });
    expect(scene.costs()).toEqual([]);
  });
});

describe('a sandbox that never started', () => {
  const refused: CaughtError = { Error: 'ECS.AmazonECSException', Cause: 'no capacity' };

  it('costs nothing where ECS refused it', async () => {
    const prepared = await scene.prepare();
    expect(await scene.finish(prepared, PLAN, refused)).toMatchObject({ next: 'again' });
    expect(await hold()).toMatchObject({ state: 'released' });
    expect(scene.costs()).toEqual([]);
  });

  it('costs nothing where its image was never pulled', async () => {
    const prepared = await scene.prepare();
    const unstarted = { taskArn: 'arn:task', lastStatus: 'STOPPED', stopCode: 'TaskFailedToStart' } as const;
    const environment = { [RUNNER_ENV.lease]: prepared.leaseId };
    scene.tasks.add({ ...unstarted, environment, pullStartedAt: undefined } as never);
    await scene.finish(prepared);
    expect(await hold()).toMatchObject({ state: 'released' });
  });

  it('may have started where the answer of ECS was lost: that is looked at again', async () => {
    const prepared = await scene.prepare();
    await scene.finish(prepared, PLAN, { Error: 'ECS.SdkClientException', Cause: '' });
    expect(await hold()).toMatchObject({ state: 'open' });
    await reconcile();
    expect(await hold()).toMatchObject({ state: 'released' });
  });

  it('is closed with an execution that ended between Prepare and Run', async () => {
    await scene.prepare();
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    await scene.end();
    await reconcile();
    expect(await hold()).toMatchObject({ state: 'released' });
    expect(await scope()).toMatchObject({ held: 0, inflight: 0 });
  });

  it('is closed also where Prepare was cut off before its attempt', async () => {
    scene.executions.beforeCommit = async () => {
      throw new Error('out of time');
    };
    await expect(scene.prepare()).rejects.toThrow('out of time');
    scene.executions.beforeCommit = undefined;
    scene.clock.advance(301);
    await reconcile();
    expect(await hold()).toMatchObject({ state: 'open' });
    scene.machines.set(EXECUTION_ARN, { status: 'FAILED', error: 'Lambda.Unknown' });
    await scene.end();
    expect(await hold()).toMatchObject({ state: 'released' });
  });
});

describe('an execution that a refused call has stopped', () => {
  const ending = {
    status: 'budget_exceeded',
    actor: { type: 'system', id: 'wflo', via: 'gateway' },
    reason: 'the budget of the execution has too little left',
    error: { code: 'budget_exceeded', message: 'the budget of the execution has too little left' },
  } as const;
  const stop = () =>
    scene.executions.commit({
      executionId: EXECUTION_ID,
      changes: [{ item: 'execution', set: { ending } }],
      events: [],
    });

  it('never succeeds, though its agent swallowed the refusal and its step ended well', async () => {
    const { prepared } = await completed();
    await stop();
    expect(await scene.finish(prepared)).toMatchObject({ next: 'ok' });
    expect(await scene.prepare({ ...PLAN, path: 'next' })).toMatchObject({ route: 'deny', attempt: 0 });
    expect(await scene.close()).toMatchObject({ ok: false, error: { code: 'budget_exceeded' } });
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    await scene.end();
    expect(await scene.execution()).toMatchObject({ status: 'budget_exceeded', error: { code: 'budget_exceeded' } });
    expect(scene.events().at(-1)).toBe('workflow.budget_exceeded');
  });

  it('has a failed attempt where its runner was told so, whether Finish or the end comes first', async () => {
    const { prepared } = await acting();
    await scene.complete(prepared, { reason: 'budget_exceeded', code: 143, message: 'a call did not fit' });
    await stop();
    scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
    await scene.end();
    expect(await scene.attempt()).toMatchObject({ status: 'failed', error: { code: 'budget_exceeded' } });
    expect(await scene.execution()).toMatchObject({ status: 'budget_exceeded' });
  });

  it('ends so by what its runner reports, also where nobody else wrote it', async () => {
    const { prepared } = await acting();
    await scene.complete(prepared, { reason: 'budget_exceeded', code: 143, message: 'a call did not fit' });
    expect(await scene.finish(prepared)).toMatchObject({ next: 'failed', error: { code: 'budget_exceeded' } });
    expect(await scene.execution()).toMatchObject({ ending: { status: 'budget_exceeded' } });
  });

  it('is not one whose agent only failed', async () => {
    const { prepared } = await acting();
    await scene.complete(prepared, { reason: 'agent_failed', code: 1 });
    const once = { ...PLAN, retry: { ...PLAN.retry, maxRetries: 0 } };
    expect(await scene.finish(prepared, once)).toMatchObject({ next: 'failed', error: { code: 'agent_failed' } });
    expect(await scene.execution()).toMatchObject({ ending: { status: 'failed' } });
  });
});

describe('a ledger that is away', () => {
  it('keeps Finish from answering, and the next call settles', async () => {
    const { prepared, taskArn } = await completed();
    await scene.tasks.stop(taskArn, '');
    scene.ledger.failure = new WfloError('ledger_unreachable', 'away');
    await expect(scene.finish(prepared)).rejects.toMatchObject({ code: 'ledger_unreachable' });
    scene.ledger.failure = undefined;
    expect(await scene.finish(prepared)).toMatchObject({ next: 'ok' });
    expect(scene.costs()).toHaveLength(1);
  });
});
