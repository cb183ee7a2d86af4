import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { usd } from '../../../../lib/budget/money.ts';
import { gatewayScene } from '../../../_helpers/gateway-scene.ts';

const CALL = { model: 'plain-1', input: 1000, output: 1000 };
const USED = '{"usage":{"input":1000,"output":1000}}';
const ARN = 'arn:aws:states:us-east-1:123456789012:execution:wflo-dev-report:one';

describe('a budget that does not suffice', () => {
  it('is told of once, where calls are denied', async () => {
    const scene = await gatewayScene({ budget: { limit: usd('0.05') } });
    for (let call = 0; call < 3; call++) expect((await scene.call(CALL)).status).toBe(402);
    const announced = scene.ledger.announcements();
    expect(announced).toHaveLength(1);
    expect(announced[0]?.events).toMatchObject([
      {
        eventType: 'cost.exceeded',
        executionId: 'report:one',
        stepPath: 'write',
        actor: { type: 'system', via: 'gateway' },
        data: {
          scope: { kind: 'execution' },
          limitNanoUsd: usd('0.05'),
          spentNanoUsd: 0,
          neededNanoUsd: usd('0.09'),
          onExceeded: 'deny',
        },
      },
    ]);
    await scene.ledger.raise({ executionId: 'report:one', by: usd('0.01'), raiseId: 'r1' });
    await scene.call(CALL);
    expect(scene.ledger.announcements()).toHaveLength(2);
    expect((await scene.machines.describe(ARN))?.status).toBe('RUNNING');
  });

  it('ends the execution under `stop`: ending and event in one commit, then the machine', async () => {
    const scene = await gatewayScene({ budget: { limit: usd('0.05') }, access: { onExceeded: 'stop' } });
    const response = await scene.call(CALL);
    expect(response.status).toBe(402);
    expect(response.headers.get('x-wflo-stop')).toBe('budget_exceeded');
    const execution = await scene.store.getExecution('report:one');
    expect(execution?.ending).toMatchObject({
      status: 'budget_exceeded',
      actor: { type: 'system', via: 'gateway' },
      error: { code: 'budget_exceeded', stepPath: 'write' },
    });
    expect(scene.store.events('report:one').map(({ eventType }) => eventType)).toEqual(['cost.exceeded']);
    expect(await scene.machines.describe(ARN)).toMatchObject({ status: 'ABORTED', error: 'budget_exceeded' });
    // An agent that calls on changes nothing more.
    expect((await scene.call(CALL)).headers.get('x-wflo-stop')).toBe('budget_exceeded');
    expect(scene.store.events('report:one')).toHaveLength(1);
  });

  it('stops the machine at the next refusal, where it could not be stopped at the first', async () => {
    const scene = await gatewayScene({ budget: { limit: usd('0.05') }, access: { onExceeded: 'stop' } });
    const stop = vi.spyOn(scene.machines, 'stop').mockRejectedValueOnce(new Error('throttled'));
    expect((await scene.call(CALL)).headers.get('x-wflo-stop')).toBe('budget_exceeded');
    expect(scene.counted).toContain('ExecutionNotStopped');
    await scene.call(CALL);
    expect(stop).toHaveBeenCalledTimes(2);
    expect(await scene.machines.describe(ARN)).toMatchObject({ status: 'ABORTED' });
  });

  it('leaves an ending that somebody else has written', async () => {
    const scene = await gatewayScene({ budget: { limit: usd('0.05') }, access: { onExceeded: 'stop' } });
    const actor = { type: 'person', id: 'ada', via: 'api' } as const;
    await scene.store.commit({
      executionId: 'report:one',
      changes: [{ item: 'execution', set: { ending: { status: 'cancelled', actor, reason: 'enough' } } }],
      events: [],
    });
    expect((await scene.call(CALL)).status).toBe(402);
    expect((await scene.store.getExecution('report:one'))?.ending?.status).toBe('cancelled');
  });

  it('of an agent denies that agent alone', async () => {
    const scene = await gatewayScene({
      budget: { limit: usd(1), agents: { write: usd('0.05') } },
      access: { onExceeded: 'stop' },
    });
    const response = await scene.call(CALL);
    expect(response.status).toBe(402);
    expect(response.headers.has('x-wflo-stop')).toBe(false);
    expect((await scene.store.getExecution('report:one'))?.ending).toBeUndefined();
    const { error } = (await response.json()) as { error: { budget: { scope: object } } };
    expect(error.budget.scope).toEqual({ kind: 'agent', executionId: 'report:one', agent: 'write' });
  });

  it('that would suffice but for calls in flight stops nothing, and may be tried again', async () => {
    const scene = await gatewayScene({ access: { onExceeded: 'stop' } });
    scene.upstream.script({ acts: [{ milliseconds: 30 }, USED] });
    const [first, second] = await Promise.all([scene.call(CALL), scene.call(CALL)]);
    const refused = first.status === 402 ? first : second;
    expect(refused.headers.get('x-wflo-error')).toBe('budget_held');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.has('x-wflo-stop')).toBe(false);
    expect(scene.ledger.announcements()).toEqual([]);
    await scene.gateway.idle();
  });
});

describe('under `ask` a call', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('waits, and goes on when a person has raised the budget', async () => {
    const scene = await gatewayScene({ budget: { limit: usd('0.05') }, access: { onExceeded: 'ask' } });
    scene.upstream.script({ acts: [USED] });
    const response = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(scene.upstream.requests).toEqual([]);
    expect(scene.ledger.announcements()).toMatchObject([{ events: [{ data: { onExceeded: 'ask' } }] }]);
    await scene.ledger.raise({ executionId: 'report:one', by: usd('0.10'), raiseId: 'r1' });
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await response).status).toBe(200);
    await (await response).text();
    expect(await scene.spent()).toBe(usd('0.09'));
  });

  it('is refused after a minute, and may be made again', async () => {
    const scene = await gatewayScene({ budget: { limit: usd('0.05') }, access: { onExceeded: 'ask' } });
    const response = scene.call(CALL);
    await vi.advanceTimersByTimeAsync(61_000);
    expect((await response).status).toBe(409);
    expect((await response).headers.get('x-wflo-error')).toBe('budget_pending');
    expect((await response).headers.get('retry-after')).toBe('30');
    expect(scene.upstream.requests).toEqual([]);
  });

  it('waits no longer than its client', async () => {
    const scene = await gatewayScene({ budget: { limit: usd('0.05') }, access: { onExceeded: 'ask' } });
    const client = new AbortController();
    const response = scene.call(CALL, { signal: client.signal }).catch(() => undefined);
    await vi.advanceTimersByTimeAsync(5_000);
    client.abort();
    await vi.advanceTimersByTimeAsync(100);
    await response;
    await scene.gateway.idle();
    await scene.ledger.raise({ executionId: 'report:one', by: usd('0.10'), raiseId: 'r1' });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(scene.upstream.requests).toEqual([]);
  });
});
