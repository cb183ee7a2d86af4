/** How an attempt ended, exactly. `code` is the exit status a shell would show. */
export const EXIT_REASONS = [
  'ok',
  'agent_failed',
  'timed_out',
  'out_of_memory',
  'killed',
  'lost',
  'runner_error',
  'image_error',
  'budget_exceeded',
  'outcome_unknown',
] as const;
export type ExitReason = (typeof EXIT_REASONS)[number];

export interface Exit {
  readonly reason: ExitReason;
  /** 0 ok · the agent's own code · 124 timed out · 137 out of memory · 128+n killed by signal n · 64 runner error · null unknown. */
  readonly code: number | null;
  /** Signal name, for `killed`. */
  readonly signal?: string;
  /** One sentence for a person. */
  readonly message?: string;
}

export const EXIT_CODE_TIMED_OUT = 124;
export const EXIT_CODE_OUT_OF_MEMORY = 137;
export const EXIT_CODE_RUNNER_ERROR = 64;
/** The runner could not deliver its completion. */
export const EXIT_CODE_NOT_DELIVERED = 75;
