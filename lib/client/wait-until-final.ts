import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal } from '../execution/status.ts';
import type { ExecutionView } from './api.ts';

export interface WaitOptions {
  /** Rejects with an `AbortError`. */
  readonly signal?: AbortSignal;
  /** Called with the first view and with every one that differs from the one before. A promise is waited for. */
  readonly onView?: (view: ExecutionView) => unknown;
  /** Shortest pause between two looks; it grows while nothing changes. */
  readonly shortestMs?: number;
}

const SHORTEST_MS = 400;
const LONGEST_MS = 5_000;
const GROWTH = 1.4;

/** Looks again and again until the execution is final. Resolves with the final view. */
export async function waitUntilFinal(
  describe: (signal: AbortSignal | undefined) => Promise<ExecutionView>,
  options: WaitOptions = {},
): Promise<ExecutionView> {
  const shortest = options.shortestMs ?? SHORTEST_MS;
  let pause = shortest;
  let before: string | undefined;
  for (;;) {
    const view = await describe(options.signal);
    const now = JSON.stringify(view);
    if (now === before) pause = Math.min(LONGEST_MS, pause * GROWTH);
    else {
      await options.onView?.(view);
      pause = shortest;
      before = now;
    }
    if (isFinal(view.status)) return view;
    await sleep(pause, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}
