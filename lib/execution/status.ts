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

/** A final execution accepts no claim, no step and no completion. */
export function isFinal(status: ExecutionStatus): boolean {
  return !OPEN.includes(status);
}

/** The ways in which an execution can end without reaching Close. */
export type EndingStatus = 'failed' | 'cancelled' | 'timed_out';

/** Status of one attempt of a step. `outcome_unknown`: lost after its claim, and its effects cannot be known. */
export const ATTEMPT_STATUSES = [
  'prepared',
  'running',
  'exited',
  'succeeded',
  'retried',
  'failed',
  'cancelled',
  'outcome_unknown',
] as const;
export type AttemptStatus = (typeof ATTEMPT_STATUSES)[number];

export function isAttemptOpen(status: AttemptStatus): boolean {
  return status === 'prepared' || status === 'running' || status === 'exited';
}

/** What `status` shows of a step: an attempt's status, or `pending` where it has none yet. */
export type StepStatus = 'pending' | AttemptStatus;
