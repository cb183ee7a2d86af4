import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { appendToChain } from '../../../lib/audit/chain.ts';
import type { ChainRecord } from '../../../lib/audit/events.ts';
import { compareExecution, type RestoredExecution } from '../../../scripts/drill/compare.ts';
import { EXECUTION_ARN, EXECUTION_ID } from '../../_helpers/execution-scene.ts';
import { GATED, GateScene } from '../../_helpers/gate-scene.ts';

/** One execution as it was after each of its steps, and its whole chain. */
interface Story {
  readonly moments: readonly RestoredExecution[];
  readonly chain: readonly ChainRecord[];
}

async function restoredOf(scene: GateScene): Promise<RestoredExecution> {
  return structuredClone({
    executionId: EXECUTION_ID,
    meta: await scene.execution(),
    attempts: await scene.executions.listAttempts(EXECUTION_ID),
    approvals: await scene.executions.listApprovals(EXECUTION_ID),
  });
}

/** The state machine has ended, and EventBridge says so. */
function stopped(scene: GateScene) {
  scene.machines.set(EXECUTION_ARN, { status: 'ABORTED' });
  return scene.end();
}

async function tell(decision: 'approve' | 'reject' | 'cancel'): Promise<Story> {
  const scene = new GateScene();
  const moments: RestoredExecution[] = [];
  const then = async <T>(step: Promise<T>): Promise<T> => {
    const result = await step;
    moments.push(await restoredOf(scene));
    return result;
  };
  await then(scene.openedBy('eve'));
  const prepared = await then(scene.prepare(GATED));
  await then(scene.ask(prepared));
  if (decision === 'cancel') {
    await then(scene.beginToCancel());
    await then(stopped(scene));
  } else {
    await then(scene.decide('ada', decision));
    if (decision === 'approve') {
      scene.invoker.answer = async () => ({ ok: true, output: { risk: 1 } });
      await then(scene.invoke(prepared, GATED));
    }
    await then(scene.finish(prepared, GATED));
    if (decision === 'approve') await then(scene.close({ literal: null }));
    else await then(stopped(scene));
  }
  return { moments, chain: appendToChain(undefined, scene.executions.events(EXECUTION_ID)) };
}

let stories: readonly Story[];
beforeAll(async () => {
  stories = [await tell('approve'), await tell('reject'), await tell('cancel')];
});

const at = (story: number, moment: number): { restored: RestoredExecution; chain: readonly ChainRecord[] } => {
  const told = stories[story];
  const restored = told?.moments.at(moment);
  if (told === undefined || restored === undefined) throw new Error('there is no such moment');
  return { restored, chain: told.chain };
};
const kinds = (restored: RestoredExecution, chain: readonly ChainRecord[]) => [
  ...new Set(compareExecution(restored, chain).differences.map(({ kind }) => kind)),
];
const withMeta = (restored: RestoredExecution, meta: Partial<NonNullable<RestoredExecution['meta']>>) =>
  ({ ...restored, meta: { ...restored.meta, ...meta } }) as RestoredExecution;

describe('an execution that was restored', () => {
  it('agrees at every moment, however far its chain has gone on since', () => {
    expect(stories.map(({ moments }) => moments.at(-1)?.meta?.status)).toEqual(['succeeded', 'rejected', 'cancelled']);
    fc.assert(
      fc.property(fc.nat(2), fc.nat(20), fc.nat(40), (story, moment, more) => {
        const { restored, chain } = at(story, moment % (stories[story]?.moments.length ?? 1));
        const count = restored.meta?.eventCount ?? 0;
        const seen = chain.slice(0, count + more);
        expect(compareExecution(restored, seen)).toMatchObject({ differences: [], ahead: seen.length > count });
      }),
    );
  });

  it('differs where the chain lost any of its events', () => {
    fc.assert(
      fc.property(fc.nat(2), fc.nat(20), fc.nat(40), (story, moment, dropped) => {
        const { restored, chain } = at(story, moment % (stories[story]?.moments.length ?? 1));
        const seq = (dropped % (restored.meta?.eventCount ?? 1)) + 1;
        const events = chain.filter((record) => record.seq !== seq);
        expect(kinds(restored, events)).toContain('chain');
      }),
    );
  });

  it('differs where any record has another status, or is gone', () => {
    const ends = [0, 1, 2].map((story) => at(story, -1));
    for (const { restored, chain } of ends) {
      expect(kinds(withMeta(restored, { status: 'failed' }), chain)).toEqual(['status']);
      expect(kinds(withMeta(restored, { status: 'running' }), chain)).toEqual(['status']);
      for (const status of ['running', 'retried'] as const) {
        const attempts = restored.attempts.map((one) => ({ ...one, status }));
        expect(kinds({ ...restored, attempts }, chain)).toEqual(['attempts']);
      }
      const approvals = restored.approvals.map((one) => ({ ...one, status: 'pending' as const }));
      expect(kinds({ ...restored, approvals }, chain)).toEqual(['approvals']);
      expect(kinds({ ...restored, attempts: [] }, chain)).toEqual(['attempts']);
      expect(kinds({ ...restored, approvals: [] }, chain)).toEqual(['approvals']);
      const { meta: _, ...without } = restored;
      expect(kinds(without, chain)).toEqual(['status']);
    }
  });

  it('differs where it counts more or fewer events than it has', () => {
    for (const story of [0, 1, 2]) {
      const { restored, chain } = at(story, -1);
      const eventCount = restored.meta?.eventCount ?? 0;
      expect(eventCount).toBe(chain.length);
      expect(kinds(withMeta(restored, { eventCount: eventCount + 1 }), chain)).toEqual(['chain']);
      for (let fewer = 0; fewer < eventCount; fewer += 1) {
        expect(kinds(withMeta(restored, { eventCount: fewer }), chain)).toContain('status');
      }
    }
  });

  it('differs where an approval was used by another attempt, or a record has no event', () => {
    const { restored, chain } = at(0, -1);
    const approvals = restored.approvals.map((one) => ({ ...one, claimedBy: { path: 'apply', attempt: 2 } }));
    expect(kinds({ ...restored, approvals }, chain)).toEqual(['approvals']);
    const attempts = [...restored.attempts, ...restored.attempts.map((one) => ({ ...one, attempt: 2 }))];
    expect(kinds({ ...restored, attempts }, chain)).toEqual(['attempts']);
  });

  it('differs where an event was changed', () => {
    const { restored, chain } = at(0, -1);
    const changed = chain.map((record) =>
      record.seq === 2 ? { ...record, event: { ...record.event, timestamp: '2020-01-01T00:00:00.000Z' } } : record,
    );
    expect(kinds(restored, changed)).toEqual(['chain']);
  });
});
