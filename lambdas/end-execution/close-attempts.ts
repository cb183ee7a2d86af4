import { cancelled } from '../../lib/approvals/transitions.ts';
import { buildEvent } from '../../lib/audit/build-event.ts';
import type { WfloEvent } from '../../lib/audit/events.ts';
import { fenceLease, isLeaseLive, wasClaimed } from '../../lib/execution/close-attempt.ts';
import { isOutcomeUnknown, outcomeUnknown } from '../../lib/execution/decide-finish.ts';
import { type OutcomeSignals, recordSignedOutcome } from '../../lib/execution/record-signed-outcome.ts';
import type { AttemptRecord, Ending, ExecutionRecord, LeaseRecord } from '../../lib/execution/records.ts';
import { type AttemptStatus, isAttemptOpen } from '../../lib/execution/status.ts';
import { stopTask } from '../../lib/execution/stop-task.ts';
import { untilDecided } from '../../lib/execution/until-decided.ts';
import type { BlobStore, Change, Clock, ExecutionStore, Ids, SandboxTasks } from '../../lib/ports.ts';

export interface CloseAttemptsPorts {
  readonly executions: ExecutionStore;
  readonly blobs: BlobStore;
  readonly signals: OutcomeSignals;
  readonly tasks: SandboxTasks;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** How an attempt ends whose execution has ended. */
const CUT_OFF: readonly AttemptStatus[] = ['cancelled', 'outcome_unknown'];
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
    if (await foundSigned(ports, execution, live)) return undefined;
    if (!(await cancelApprovals(ports, execution, ending))) return undefined;
    for (let from = 0; from < open.length; from += ATTEMPTS_PER_COMMIT) {
      const chunk = open.slice(from, from + ATTEMPTS_PER_COMMIT);
      if (!(await closeChunk(ports, execution, ending, chunk, live))) return undefined;
    }
    return true;
  });
}

/** True when an attempt may have got its outcome by what its sandbox left signed: all is to be read again. */
async function foundSigned(
  ports: CloseAttemptsPorts,
  execution: ExecutionRecord,
  live: readonly LeaseRecord[],
): Promise<boolean> {
  for (const lease of live) {
    if ((await recordSignedOutcome(ports, { execution, lease })) !== 'none') return true;
  }
  return false;
}

/** Nobody is asked any more for what will not be done. */
async function cancelApprovals(
  ports: CloseAttemptsPorts,
  execution: ExecutionRecord,
  ending: Ending,
): Promise<boolean> {
  const { executionId } = execution;
  const pending = (await ports.executions.listApprovals(executionId)).filter(({ status }) => status === 'pending');
  const reason = ending.reason.slice(0, REASON_CHARACTERS);
  for (let from = 0; from < pending.length; from += ATTEMPTS_PER_COMMIT) {
    const written = pending
      .slice(from, from + ATTEMPTS_PER_COMMIT)
      .map((approval) => cancelled(ports, execution, approval, ending.actor, reason));
    const changes = written.map(({ change }) => change);
    const events = written.map(({ event }) => event);
    if (!(await ports.executions.commit({ executionId, changes, events }))) return false;
  }
  return true;
}

function closeChunk(
  ports: CloseAttemptsPorts,
  execution: ExecutionRecord,
  ending: Ending,
  attempts: readonly AttemptRecord[],
  live: readonly LeaseRecord[],
): Promise<boolean> {
  const endedAt = ports.clock.now().toISOString();
  const reason = ending.reason.slice(0, REASON_CHARACTERS);
  const changes: Change[] = [];
  const events: WfloEvent[] = [];
  for (const record of attempts) {
    const { path, attempt, status } = record;
    const end = endOf(record, reason);
    const { error } = end;
    changes.push({ item: 'attempt', path, attempt, set: { ...end, endedAt }, expect: { status } });
    const lease = live.find((other) => other.path === path && other.attempt === attempt);
    if (lease !== undefined) changes.push(fenceLease(lease));
    const about = { actor: ending.actor, stepPath: path, attempt };
    events.push(
      error === undefined
        ? buildEvent(ports, execution, { ...about, type: 'step.cancelled', data: { reason } })
        : buildEvent(ports, execution, { ...about, type: 'step.failed', data: { error } }),
    );
  }
  return ports.executions.commit({ executionId: execution.executionId, changes, events });
}

/** How an attempt ends that is cut off. One whose runner said that the budget was too small ended by that. */
function endOf(record: AttemptRecord, reason: string): Pick<AttemptRecord, 'status' | 'error'> {
  const { path: stepPath, exit } = record;
  if (exit?.reason === 'budget_exceeded') {
    const message = exit.message ?? 'a model call did not fit the budget';
    return { status: 'failed', error: { code: 'budget_exceeded', message, stepPath } };
  }
  if (mayHaveActed(record)) return { status: 'outcome_unknown', error: { ...outcomeUnknown(reason), stepPath } };
  return { status: 'cancelled' };
}

/** It got its work, and its outcome cannot be known: that stays so in an execution that was ended. */
function mayHaveActed(attempt: AttemptRecord): boolean {
  const { exit, harmless } = attempt;
  const known = exit === undefined ? {} : { exit };
  return isOutcomeUnknown({ ...known, reported: exit !== undefined, claimed: wasClaimed(attempt), harmless });
}

/**
 * Stops the sandboxes of all attempts that were cut off. Also of those that an earlier call cancelled, which may have been
 * cut off before it came to stop them; stopping twice does no harm.
 */
export async function stopCancelledTasks(ports: CloseAttemptsPorts, execution: ExecutionRecord): Promise<void> {
  const { executionId } = execution;
  const attempts = await ports.executions.listAttempts(executionId);
  for (const { kind, path, attempt, status } of attempts) {
    if (kind !== 'sandbox' || !CUT_OFF.includes(status)) continue;
    const lease = await ports.executions.getLease(executionId, path, attempt);
    await stopTask(ports.tasks, lease, `the execution ${executionId} has ended`);
  }
}
