import { setTimeout as sleep } from 'node:timers/promises';

/** A failure that another try may not show: a network error, 5xx, 429. */
export class Retryable extends Error {}

export interface RetryOptions {
  readonly withinMs: number;
  readonly backoffMs: readonly [number, number];
  /** Ends the waiting between tries, never a request under way. */
  readonly giveUp?: AbortSignal;
}

/** Repeats `attempt` while it throws `Retryable`, with full jitter, until the time is over; then throws the last error. */
export async function retry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const deadline = Date.now() + options.withinMs;
  const [first, largest] = options.backoffMs;
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      const pause = Math.random() * Math.min(largest, first * 2 ** Math.min(tries, 20));
      if (!(error instanceof Retryable) || options.giveUp?.aborted || Date.now() + pause > deadline) throw error;
      await sleep(pause, undefined, options.giveUp ? { signal: options.giveUp } : {}).catch(() => undefined);
    }
  }
}

export function isRetryableStatus(status: number): boolean {
  return status >= 500 || status === 429;
}
