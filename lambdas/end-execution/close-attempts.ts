import { buildEvent } from '../../lib/audit/build-event.ts';
import { fenceLease, isLeaseLive } from '../../lib/execution/close-attempt.ts';
import { findTask } from '../../lib/execution/find-task.ts';
import type { AttemptRecord, Ending, ExecutionRecord, LeaseRecord } from '../../lib/execution/records.ts';
import { isAttemptOpen } from '../../lib/execution/status.ts';
import { untilDecided } from '../../lib/execution/until-decided.ts';
import type { Change, Clock, ExecutionStore, Ids, SandboxTasks } from '../../lib/ports.ts';

export interface CloseAttemptsPorts {
  readonly executions: ExecutionStore;
  readonly tasks: SandboxTasks;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** An attempt and its lease are two items of the 100 that a transaction takes. */
const ATTEMPTS_PER_COMMIT = 40;
/** The events of a commit are one item of at most 400 KB. The end event has the whole reason (characters). */
const REASON_CHARACTERS = 1000;

/** Cancels every open attempt of an execution that is ending, and fences its lease. */
export async function closeAttempts(
  ports: CloseAttemptsPorts,
  execution: ExecutionRecord,
  ending: Ending,
): Promise<void> {
  await untilDecided(async () => {
    const { executionId } = execution;
    const open = (await ports.executions.listAttempts(executionId)).filter(({ status }) => isAttemptOpen(status));
    const live = (await ports.executions.listLeases(executionId)).filter(isLeaseLive);
    for (let from = 0; from < open.length; from += ATTEMPTS_PER_COMMIT) {
      const chunk = open.slice(from, from + ATTEMPTS_PER_COMMIT);
      if (!(await closeChunk(ports, execution, ending, chunk, live))) return undefined;
    }
    return true;
  });
}

function closeChunk(
  ports: CloseAttemptsPorts,
  execution: ExecutionRecord,
  ending: Ending,
  attempts: readonly AttemptRecord[],
  live: readonly LeaseRecord[],
): Promise<boolean> {
  const endedAt = ports.clock.now().toISOString();
  const changes: Change[] = attempts.flatMap(({ path, attempt, status }) => {
    const lease = live.find((other) => other.path === path && other.attempt === attempt);
    const change: Change = {
      item: 'attempt',
      path,
      attempt,
      set: { status: 'cancelled', endedAt },
      expect: { status },
    };
    return lease === undefined ? [change] : [change, fenceLease(lease)];
  });
  const events = attempts.map(({ path, attempt }) =>
    buildEvent(ports, execution, {
      type: 'step.cancelled',
      actor: ending.actor,
      stepPath: path,
      attempt,
      data: { reason: ending.reason.slice(0, REASON_CHARACTERS) },
    }),
  );
  return ports.executions.commit({ executionId: execution.executionId, changes, events });
}

/**
 * Stops the sandboxes of all cancelled attempts. Also of those that an earlier call cancelled, which may have been
 * cut off before it came to stop them; stopping twice does no harm.
 */
export async function stopCancelledTasks(ports: CloseAttemptsPorts, execution: ExecutionRecord): Promise<void> {
  const { executionId } = execution;
  const attempts = await ports.executions.listAttempts(executionId);
  for (const { kind, path, attempt, status } of attempts) {
    if (kind !== 'sandbox' || status !== 'cancelled') continue;
    const task = await findTask(ports.tasks, await ports.executions.getLease(executionId, path, attempt));
    if (task === undefined || task.lastStatus === 'STOPPED') continue;
    await ports.tasks.stop(task.taskArn, `the execution ${executionId} has ended`);
  }
}
