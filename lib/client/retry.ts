/** How often a call is made at most. */
export const MAX_TRIES = 5;

const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 5_000;

/** Full jitter: anything up to a bound that doubles with every try. `failed` counts from 1; `random` is in [0, 1). */
export function retryDelayMs(failed: number, random: number): number {
  return Math.round(random * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failed));
}
