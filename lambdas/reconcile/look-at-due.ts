import type { Change, Records } from '../../lib/ports.ts';
import { type CheckOutcome, type Look, lookAtEach } from './check.ts';
import type { ReconcilePorts } from './ports.ts';

type Kind = 'execution' | 'lease' | 'approval';

const DUE_PER_RUN = 1000;

/**
 * Looks at the records of one kind whose time has come, those that have waited longest first. `again` sets when a record
 * that is still due is looked at next, behind all that wait now: what always fails must stand before nothing. It expects
 * the time that was seen, because whoever has set another since knows better.
 */
export async function lookAtDue<K extends Kind>(
  ports: ReconcilePorts,
  kind: K,
  look: (seen: Records[K]) => Promise<Look>,
  again: (seen: Records[K], now: Date, failed: boolean) => Change,
): Promise<CheckOutcome> {
  const now = ports.clock.now();
  const due = await ports.executions.due(kind, now, DUE_PER_RUN);
  const outcome = await lookAtEach(ports, due, async (seen) => {
    let failed = true;
    try {
      const outcome = await look(seen);
      failed = false;
      return outcome;
    } finally {
      const changes = [again(seen, ports.clock.now(), failed)];
      await ports.executions.commit({ executionId: seen.executionId, changes, events: [] });
    }
  });
  const [first] = due;
  if (first?.checkAt === undefined) return outcome;
  return { ...outcome, lateSeconds: Math.floor((now.getTime() - Date.parse(first.checkAt)) / 1000) };
}

/** Less than the minute between two runs, so that the next one looks again. */
const NEXT_RUN_MS = 50_000;

export function nextRun(now: Date): string {
  return new Date(now.getTime() + NEXT_RUN_MS).toISOString();
}
