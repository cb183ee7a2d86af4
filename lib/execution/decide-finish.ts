import type { ErrorCode, ErrorData } from '../errors.ts';
import type { Exit, ExitReason } from '../sandbox/exit.ts';
import type { Effects, RetryPolicy } from '../workflow/definition.ts';

export interface FinishFacts {
  readonly exit: Exit;
  /** Set where the outcome is a failure that the exit does not tell: an output that does not fit, a denied attempt. */
  readonly failure?: ErrorData;
  /** What allowed this attempt allows no other. */
  readonly usedUp?: boolean;
  /** The code for an exit that is not ok; made from its reason where absent. */
  readonly code?: ErrorCode;
  /** Somebody reported the exit; else it was concluded from what was left. */
  readonly reported: boolean;
  /** The attempt got its work: from there on it may have acted. */
  readonly claimed: boolean;
  readonly effects: Effects;
  readonly idempotent: boolean;
  readonly retry: RetryPolicy;
  /** From 1. */
  readonly attempt: number;
  /** The execution is ending: nothing is repeated. */
  readonly ending: boolean;
  /** From 0 to 1 (exclusive). */
  readonly random: number;
}

export type FinishDecision =
  | { readonly next: 'ok' }
  | { readonly next: 'again'; readonly waitSeconds: number; readonly error: ErrorData }
  | { readonly next: 'failed'; readonly error: ErrorData };

/** Nobody knows how far the attempt came. */
const UNCERTAIN: readonly ExitReason[] = ['lost', 'runner_error', 'image_error', 'outcome_unknown'];
/** The agent's own end, which may be another one next time. What its limits end would end there again. */
const WORTH_REPEATING: readonly ExitReason[] = ['agent_failed', 'killed'];

/**
 * What becomes of a step after an attempt. An attempt that never got its work is repeated whatever its effects. One
 * that did is repeated only where a repeat does no harm; where its outcome cannot be known, it fails as `outcome_unknown`.
 */
export function decideFinish(facts: FinishFacts): FinishDecision {
  const { exit, failure, claimed } = facts;
  if (failure !== undefined) {
    return failure.code === 'budget_held' && !claimed ? againOr(facts, failure) : { next: 'failed', error: failure };
  }
  if (exit.reason === 'ok') return { next: 'ok' };

  const error = errorOf(exit, facts.code);
  const harmless = isHarmless(facts);
  if (isOutcomeUnknown({ ...facts, harmless })) return { next: 'failed', error: outcomeUnknown(error.message) };
  const uncertain = UNCERTAIN.includes(exit.reason);
  const worthIt =
    !claimed || (harmless && facts.usedUp !== true && (uncertain || WORTH_REPEATING.includes(exit.reason)));
  return worthIt ? againOr(facts, error) : { next: 'failed', error };
}

/** What may pass is tried again while retries are left. So is a budget that would suffice without what others hold of it. */
function againOr({ ending, attempt, retry, random }: FinishFacts, error: ErrorData): FinishDecision {
  if (ending || attempt > retry.maxRetries) return { next: 'failed', error };
  return { next: 'again', waitSeconds: backoffSeconds(retry, attempt, random), error };
}

/** Whether a step may be run once more, however far it came. */
export function isHarmless(step: { readonly effects: Effects; readonly idempotent: boolean }): boolean {
  return step.effects === 'none' || step.idempotent;
}

/** Whether an attempt may have acted, and nobody can know how far it came. */
export function isOutcomeUnknown(attempt: {
  readonly exit?: Exit;
  readonly reported: boolean;
  readonly claimed: boolean;
  readonly harmless: boolean;
}): boolean {
  const { exit, reported, claimed, harmless } = attempt;
  const uncertain = !reported || (exit !== undefined && UNCERTAIN.includes(exit.reason));
  return uncertain && claimed && !harmless;
}

export function outcomeUnknown(why: string): ErrorData {
  return {
    code: 'outcome_unknown',
    message: `the attempt was lost after it began, and may have acted: ${why}`,
    fix: 'look at what the step changed; declare `idempotent: true` where a repeat does no harm',
  };
}

/** Full jitter: anything between 0 and the delay, which doubles per attempt up to its cap. Whole seconds. */
export function backoffSeconds(retry: RetryPolicy, attempt: number, random: number): number {
  const delay = Math.min(retry.maxDelaySeconds, retry.initialDelaySeconds * 2 ** (attempt - 1));
  return Math.floor(random * (Math.floor(delay) + 1));
}

const CODE_OF_REASON: { readonly [R in Exclude<ExitReason, 'ok'>]: ErrorCode } = {
  agent_failed: 'agent_failed',
  timed_out: 'timed_out',
  out_of_memory: 'out_of_memory',
  killed: 'killed',
  lost: 'sandbox_lost',
  runner_error: 'runner_error',
  image_error: 'image_error',
  budget_exceeded: 'budget_exceeded',
  outcome_unknown: 'outcome_unknown',
};

function errorOf(exit: Exit & { readonly reason: ExitReason }, code: ErrorCode | undefined): ErrorData {
  const reason = exit.reason === 'ok' ? 'lost' : exit.reason;
  return {
    code: code ?? CODE_OF_REASON[reason],
    message:
      exit.message ?? `the attempt ended as ${reason}${exit.code === null ? '' : ` with exit code ${exit.code}`}`,
  };
}
