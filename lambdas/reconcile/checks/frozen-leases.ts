import { buildEvent } from '../../../lib/audit/build-event.ts';
import type { ErrorData } from '../../../lib/errors.ts';
import { RECONCILER } from '../../../lib/execution/actors.ts';
import { fenceLease } from '../../../lib/execution/close-attempt.ts';
import { outcomeUnknown } from '../../../lib/execution/decide-finish.ts';
import { frozenReason } from '../../../lib/execution/freeze.ts';
import type { Freeze, LeaseRecord } from '../../../lib/execution/records.ts';
import { isFinal } from '../../../lib/execution/status.ts';
import { stopTask } from '../../../lib/execution/stop-task.ts';
import { type Check, type Look, lookAtEach } from '../check.ts';
import type { ReconcilePorts } from '../ports.ts';

const LEASES_PER_RUN = 1000;
/** Every claimed lease of a sandbox is looked at within minutes; this is later than the last of them. */
const ALL_OF_THEM_MS = 24 * 60 * 60 * 1000;

/**
 * An emergency stop takes the right to act from every sandbox that it names, and ends its task. A function that was
 * called ends by its own time limit: nothing can stop it.
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
    return lookAtEach(ports, claimed, (lease) => stopIfFrozen(ports, freeze, lease));
  },
};

async function stopIfFrozen(ports: ReconcilePorts, freeze: Freeze, seen: LeaseRecord): Promise<Look> {
  const { executionId, path, attempt } = seen;
  const [execution, lease, record] = await Promise.all([
    ports.executions.getExecution(executionId),
    ports.executions.getLease(executionId, path, attempt),
    ports.executions.getAttempt(executionId, path, attempt),
  ]);
  if (execution === undefined || lease === undefined || record === undefined) return 'fine';
  const held = frozenReason(freeze, execution);
  if (held === undefined || lease.status !== 'claimed' || isFinal(execution.status)) return 'fine';
  const error: ErrorData = record.harmless ? { code: 'frozen', message: held } : outcomeUnknown(held);
  const written = await ports.executions.commit({
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
  if (!written) return 'fine';
  await stopTask(ports.tasks, lease, held);
  return 'repaired';
}
