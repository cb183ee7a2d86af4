import { describe, expect, it } from 'vitest';
import type { ExecutionView } from '../../../lib/client/api.ts';
import { waitUntilFinal } from '../../../lib/client/wait-until-final.ts';

function view(status: ExecutionView['status'], eventCount: number): ExecutionView {
  return {
    executionId: 'report:one',
    workflow: 'report',
    status,
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: null,
    costUsd: null,
    budgetUsd: null,
    requester: { id: 'ada', verified: true },
    steps: [],
    eventCount,
  };
}

describe('waitUntilFinal', () => {
  it('tells every change once and resolves with the final view', async () => {
    const answers = [view('starting', 0), view('running', 1), view('running', 1), view('failed', 2)];
    const told: string[] = [];
    const final = await waitUntilFinal(async () => answers.shift() ?? view('failed', 2), {
      shortestMs: 1,
      onView: (one) => told.push(`${one.status} ${one.eventCount}`),
    });
    expect(final.status).toBe('failed');
    expect(told).toEqual(['starting 0', 'running 1', 'failed 2']);
  });

  it('goes on through a rollback, which is not the end', async () => {
    const answers = [view('rolling_back', 1), view('rolled_back', 2)];
    const final = await waitUntilFinal(async () => answers.shift() ?? view('rolled_back', 2), { shortestMs: 1 });
    expect(final.status).toBe('rolled_back');
  });

  it('stops while it pauses when it is aborted', async () => {
    const controller = new AbortController();
    const waiting = waitUntilFinal(
      async () => {
        setImmediate(() => controller.abort());
        return view('running', 1);
      },
      { signal: controller.signal, shortestMs: 60_000 },
    );
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});
