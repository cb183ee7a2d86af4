import { setTimeout as sleep } from 'node:timers/promises';

/** What this much waiting does not resolve is not a passing conflict. */
const TOTAL_WAIT_MS = 3_000;
const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 400;

const PASSING_REASONS = ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'];
const PASSING_ERRORS = ['TransactionConflictException', 'TransactionInProgressException'];

export interface RetryOptions {
  readonly wait?: (milliseconds: number) => Promise<unknown>;
  /** From 0 to 1. */
  readonly random?: () => number;
  /** How long to wait in all, in milliseconds. @default 3000 */
  readonly totalWaitMs?: number;
}

/**
 * Repeats a write while it is in conflict with another transaction or throttled, with full jitter, for about
 * 3 seconds of waiting unless another time is given. The SDK repeats neither: both arrive as a cancelled transaction.
 */
export async function retryConflicts<T>(write: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { wait = sleep, random = Math.random, totalWaitMs = TOTAL_WAIT_MS } = options;
  let waited = 0;
  for (let bound = FIRST_WAIT_MS; ; bound = Math.min(bound * 2, LONGEST_WAIT_MS)) {
    try {
      return await write();
    } catch (error) {
      if (!isPassing(error) || waited >= totalWaitMs) throw error;
      const delay = Math.ceil(random() * bound);
      // A lucky draw of many short waits must end as well.
      waited += Math.max(delay, FIRST_WAIT_MS / 2);
      await wait(delay);
    }
  }
}

/** Codes of a cancelled transaction by its items (`None` for those not to blame); empty for every other error. */
export function cancellationCodes(error: unknown): readonly string[] {
  if (!(error instanceof Error) || error.name !== 'TransactionCanceledException') return [];
  const { CancellationReasons } = error as { CancellationReasons?: readonly { readonly Code?: string }[] };
  return (CancellationReasons ?? []).map((reason) => reason.Code ?? 'None');
}

/** An expectation did not hold. */
export function isConditionFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    error.name === 'ConditionalCheckFailedException' || cancellationCodes(error).includes('ConditionalCheckFailed')
  );
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (PASSING_ERRORS.includes(error.name)) return true;
  const codes = cancellationCodes(error).filter((code) => code !== 'None');
  return codes.length > 0 && codes.every((code) => PASSING_REASONS.includes(code));
}
