import { setTimeout as sleep } from 'node:timers/promises';

/** Names of the errors with which services say that a thing is not there. */
const NOT_THERE = new Set([
  'NoSuchBucket',
  'NoSuchEntityException',
  'ResourceNotFoundException',
  'StateMachineDoesNotExist',
]);

export function isNotThere(error: unknown): boolean {
  return error instanceof Error && NOT_THERE.has(error.name);
}

/** The answer, or undefined where the thing is not there (any more). */
export async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isNotThere(error)) return undefined;
    throw error;
  }
}

const PAUSE_MS = 2_000;
const LOOKS = 90;

/** Looks until `check` holds; for what AWS does in its own time after the call has returned. */
export async function until(what: string, check: () => Promise<boolean>, pauseMs = PAUSE_MS): Promise<void> {
  for (let look = 0; look < LOOKS; look += 1) {
    if (await check()) return;
    await sleep(pauseMs);
  }
  throw new Error(`${what} takes longer than ${Math.round((LOOKS * pauseMs) / 1000)} s`);
}
