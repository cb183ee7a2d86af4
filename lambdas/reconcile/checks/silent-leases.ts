import { buildEvent } from '../../../lib/audit/build-event.ts';
import { RECONCILER } from '../../../lib/execution/actors.ts';
import { fenceLease } from '../../../lib/execution/close-attempt.ts';
import { recordSignedOutcome } from '../../../lib/execution/record-signed-outcome.ts';
import type { ExecutionRecord, LeaseRecord } from '../../../lib/execution/records.ts';
import { stopTask } from '../../../lib/execution/stop-task.ts';
import { LEASE_SILENT_SECONDS } from '../../../lib/sandbox/protocol.ts';
import type { Check, Look } from '../check.ts';
import { claimedLease } from '../claimed-lease.ts';
import { lookAtDue, nextRun } from '../look-at-due.ts';
import type { ReconcilePorts } from '../ports.ts';

/**
 * Sandboxes that have stopped to report: their right ends, and their task, so that Finish can decide what follows. What
 * one left signed before is its outcome.
 */
export const silentLeases: Check = {
  name: 'silent-leases',
  run: (ports) =>
    lookAtDue(
      ports,
      'lease',
      (lease) => endIfSilent(ports, lease),
      ({ path, attempt, checkAt = '' }, now) => ({
        item: 'lease',
        path,
        attempt,
        set: { checkAt: nextRun(now) },
        expect: { checkAt },
      }),
    ),
};

async function endIfSilent(ports: ReconcilePorts, seen: LeaseRecord): Promise<Look> {
  const found = await claimedLease(ports, seen);
  if (found === undefined) return 'fine';
  const { execution, lease } = found;
  const lastSign = lease.lastHeartbeatAt ?? lease.claimedAt;
  const silentMs = ports.clock.now().getTime() - Date.parse(lastSign ?? '');
  if (silentMs < LEASE_SILENT_SECONDS * 1000) return 'fine';
  const signed = await recordSignedOutcome(ports, found);
  // Changed: it gives a sign after all, or somebody else has ended it; the next run looks again.
  if (signed === 'changed') return 'fine';
  const message = `the sandbox gave no sign for ${Math.floor(silentMs / 1000)} seconds`;
  if (signed === 'none' && !(await recordLost(ports, execution, lease, message))) return 'fine';
  // Run waits for the task. Where this is cut off, the check of orphaned tasks stops it.
  await stopTask(ports.tasks, lease, message);
  return 'repaired';
}

/** False when the sandbox gave a sign in between. */
function recordLost(
  ports: ReconcilePorts,
  execution: ExecutionRecord,
  lease: LeaseRecord,
  message: string,
): Promise<boolean> {
  const { executionId, path, attempt } = lease;
  return ports.executions.commit({
    executionId,
    changes: [
      {
        item: 'attempt',
        path,
        attempt,
        set: {
          status: 'exited',
          exit: { reason: 'lost', code: null, message },
          exitedAt: ports.clock.now().toISOString(),
        },
        expect: { status: 'running' },
      },
      // A heartbeat that comes in between proves it alive.
      fenceLease(lease, { lastHeartbeatAt: lease.lastHeartbeatAt ?? { absent: true } }),
    ],
    events: [
      buildEvent(ports, execution, {
        type: 'sandbox.lost',
        actor: RECONCILER,
        stepPath: path,
        attempt,
        data: { reason: message, leaseId: lease.leaseId },
      }),
    ],
  });
}
