import { computeCostOf } from '../budget/cost.ts';
import { computeHoldId, type Hold } from '../budget/ledger.ts';
import type { Clock, Ledger, SandboxTasks, TaskState } from '../ports.ts';
import { findTask } from './find-task.ts';
import type { AttemptRecord, ComputeTerms, LeaseRecord } from './records.ts';

export interface CloseComputePorts {
  readonly ledger: Pick<Ledger, 'getHold' | 'settle' | 'release' | 'unsettle'>;
  readonly tasks: SandboxTasks;
  readonly clock: Clock;
}

/** ECS may take as long to show a task that was just started. */
const SHOWN_MS = 2 * 60_000;
/** ECS shows a stopped task for an hour at least. */
const FORGOTTEN_MS = 55 * 60_000;

interface Ended {
  /** Undefined where the hold was made, and its attempt never. */
  readonly attempt: AttemptRecord | undefined;
  readonly lease: LeaseRecord | undefined;
  /** Nobody can have started a task: only where that is certain. */
  readonly neverStarted: boolean;
}

/**
 * Closes the hold of a sandbox whose attempt is over, or is about to be: by what its task cost, or by nothing where none
 * ran. False: its task has not stopped, or could still be shown; somebody has to look again. A repeated call changes nothing.
 */
export async function closeCompute(
  ports: CloseComputePorts,
  executionId: string,
  holdId: string,
  ended: Ended,
): Promise<boolean> {
  const hold = await ports.ledger.getHold(executionId, holdId);
  if (hold === undefined || hold.state !== 'open') return true;
  const { attempt, lease, neverStarted } = ended;
  if (neverStarted || attempt?.compute === undefined || lease === undefined) return released(ports, hold);
  const task = await findTask(ports.tasks, lease);
  if (task === undefined) return closeWithoutTask(ports, hold, lease);
  if (task.lastStatus !== 'STOPPED') return false;
  return closeByTask(ports, hold, task, attempt.compute);
}

/** As `closeCompute`, for an attempt; true also where nothing was ever reserved for it. */
export async function closeComputeOf(
  ports: CloseComputePorts,
  ended: Ended & { readonly attempt: AttemptRecord },
): Promise<boolean> {
  const { attempt } = ended;
  if (attempt.compute === undefined) return true;
  return closeCompute(ports, attempt.executionId, computeHoldId(attempt), ended);
}

/**
 * ECS knows no task of this lease. Young: one may have been started, and not be shown yet. Claimed, or so old that a task
 * could have been forgotten: nobody knows. In between there was none.
 */
async function closeWithoutTask(ports: CloseComputePorts, hold: Hold, lease: LeaseRecord): Promise<boolean> {
  const age = ports.clock.now().getTime() - Date.parse(hold.createdAt);
  if (lease.taskArn === undefined && age < SHOWN_MS) return false;
  if (lease.taskArn === undefined && age < FORGOTTEN_MS) return released(ports, hold);
  return unsettled(ports, hold, 'ECS does not know the task of this sandbox any more');
}

async function closeByTask(
  ports: CloseComputePorts,
  hold: Hold,
  task: TaskState,
  terms: ComputeTerms,
): Promise<boolean> {
  const { taskArn, pullStartedAt, createdAt, stoppedAt, stopCode } = task;
  // Its image was never pulled: Fargate bills from there on.
  if (pullStartedAt === undefined && stopCode === 'TaskFailedToStart') return released(ports, hold);
  const from = pullStartedAt ?? createdAt;
  if (from === undefined || stoppedAt === undefined) {
    return unsettled(ports, hold, 'ECS does not say from when to when the task of this sandbox ran');
  }
  const seconds = Math.max(0, (Date.parse(stoppedAt) - Date.parse(from)) / 1000);
  await ports.ledger.settle({
    executionId: hold.payer.executionId,
    holdId: hold.holdId,
    cost: computeCostOf(terms.rates, terms, seconds),
    source: 'reported',
    raw: { taskArn, from, stoppedAt },
  });
  return true;
}

async function released(ports: CloseComputePorts, { payer, holdId }: Hold): Promise<true> {
  await ports.ledger.release(payer.executionId, holdId);
  return true;
}

/** `watch-budgets` tells of it. */
async function unsettled(ports: CloseComputePorts, { payer, holdId }: Hold, reason: string): Promise<true> {
  await ports.ledger.unsettle(payer.executionId, holdId, reason);
  return true;
}
