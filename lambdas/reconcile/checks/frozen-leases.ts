import { buildEvent } from '../../../lib/audit/build-event.ts';
import type { ErrorData } from '../../../lib/errors.ts';
import { RECONCILER } from '../../../lib/execution/actors.ts';
import { fenceLease } from '../../../lib/execution/close-attempt.ts';
import { outcomeUnknown } from '../../../lib/execution/decide-finish.ts';
import { frozenReason } from '../../../lib/execution/freeze.ts';
import { parseExecutionId } from '../../../lib/execution/identity.ts';
import { recordSignedOutcome } from '../../../lib/execution/record-signed-outcome.ts';
import type { Freeze, LeaseRecord } from '../../../lib/execution/records.ts';
import { stopTask } from '../../../lib/execution/stop-task.ts';
import { type Check, type Look, lookAtEach, shuffled } from '../check.ts';
import { type ClaimedLease, claimedLease } from '../claimed-lease.ts';
import type { ReconcilePorts } from '../ports.ts';

const LEASES_PER_RUN = 10_000;
/** Every claimed lease of a sandbox is looked at within minutes; this is later than the last of them. */
const ALL_OF_THEM_MS = 24 * 60 * 60 * 1000;

/**
 * An emergency stop takes the right to act from every sandbox that it names, and ends its task. What one left signed
 * before is its outcome. A function that was called ends by its own time limit: nothing can stop it.
 */
export const frozenLeases: Check = {
  name: 'frozen-leases',
  async run(ports) {
    const freeze = await ports.executions.getFreeze();
    if (!freeze.all && freeze.workflows.length === 0 && freeze.tenants.length === 0) {
      return { repaired: 0, failures: [] };
    }
    const later = new Date(ports.clock.now().getTime() + ALL_OF_THEM_MS);
    const claimed = await ports.executions.due('lease', later, LEASES_PER_RUN);
    const named = claimed.filter((lease) => mayBeFrozen(freeze, lease));
    // Of another tenant are not known before they are read: they must not stand before the others in every run.
    return lookAtEach(ports, shuffled(named, leaseIdOf, ports.clock.now()), (lease) =>
      stopIfFrozen(ports, freeze, lease),
    );
  },
};

const leaseIdOf = ({ leaseId }: LeaseRecord): string => leaseId;

/** By what the lease itself tells, which is its workflow. */
function mayBeFrozen({ all, workflows, tenants }: Freeze, { executionId }: LeaseRecord): boolean {
  return all || tenants.length > 0 || workflows.includes(parseExecutionId(executionId).workflow);
}

async function stopIfFrozen(ports: ReconcilePorts, freeze: Freeze, seen: LeaseRecord): Promise<Look> {
  const found = await claimedLease(ports, seen);
  const held = found === undefined ? undefined : frozenReason(freeze, found.execution);
  if (found === undefined || held === undefined) return 'fine';
  const signed = await recordSignedOutcome(ports, found);
  // Changed: somebody else has ended it, or it is looked at again by the next run.
  if (signed === 'changed') return 'fine';
  if (signed === 'none' && !(await takeAway(ports, found, held))) return 'fine';
  await stopTask(ports.tasks, found.lease, held);
  return 'repaired';
}

/** False when something happened in between. */
function takeAway(
  ports: ReconcilePorts,
  { execution, lease, attempt: record }: ClaimedLease,
  held: string,
): Promise<boolean> {
  const { executionId, path, attempt } = lease;
  const error: ErrorData = record.harmless ? { code: 'frozen', message: held } : outcomeUnknown(held);
  return ports.executions.commit({
    executionId,
    changes: [
      { item: 'attempt', path, attempt, set: { error: { ...error, stepPath: path } }, expect: { status: 'running' } },
      fenceLease(lease),
    ],
    events: [
      buildEvent(ports, execution, {
        type: 'sandbox.lost',
        actor: RECONCILER,
        stepPath: path,
        attempt,
        data: { reason: held, leaseId: lease.leaseId },
      }),
    ],
  });
}
