export const EXECUTION_STATUSES = [
  'starting',
  'running',
  'waiting_approval',
  'succeeded',
  'failed',
  'cancelled',
  'timed_out',
  'rolling_back',
  'rolled_back',
  'rollback_failed',
  'budget_exceeded',
  'rejected',
] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

const OPEN: readonly ExecutionStatus[] = ['starting', 'running', 'waiting_approval', 'rolling_back'];

/** Statuses in which the graph goes on; `waiting_approval` where at least one gate is open. */
export const ACTIVE = ['running', 'waiting_approval'] as const satisfies readonly ExecutionStatus[];

export function isActive(status: ExecutionStatus): boolean {
  return status === 'running' || status === 'waiting_approval';
}

/** A final execution accepts no claim, no step and no completion. */
export function isFinal(status: ExecutionStatus): boolean {
  return !OPEN.includes(status);
}

/** The ways in which an execution can end without reaching Close. */
export type EndingStatus = 'failed' | 'cancelled' | 'timed_out' | 'rejected' | 'budget_exceeded';

/** Status of one attempt of a step. `waiting_approval`: frozen, and nobody may act before it is approved. `outcome_unknown`: lost after its claim, and its effects cannot be known. */
export const ATTEMPT_STATUSES = [
  'waiting_approval',
  'prepared',
  'running',
  'exited',
  'succeeded',
  'retried',
  'failed',
  'rejected',
  'cancelled',
  'outcome_unknown',
] as const;
export type AttemptStatus = (typeof ATTEMPT_STATUSES)[number];

export function isAttemptOpen(status: AttemptStatus): boolean {
  return status === 'waiting_approval' || status === 'prepared' || status === 'running' || status === 'exited';
}

/** What `status` shows of a step: an attempt's status, or `pending` where it has none yet. */
export type StepStatus = 'pending' | AttemptStatus;

/** `expired`: nobody decided in time, and that means no. `cancelled`: the execution ended before. */
export const APPROVAL_STATUSES = ['pending', 'granted', 'rejected', 'expired', 'cancelled'] as const;
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];
