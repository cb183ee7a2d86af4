import type { ExecutionRecord } from './records.ts';

/** How often `reconcile` compares an open execution with its machine (seconds). */
export const CHECK_SECONDS = 5 * 60;

/** When `reconcile` looks at an open execution next: soon after its time limit, and every few minutes before. */
export function checkAtOf(now: Date, timeoutAt: string | undefined): string {
  const regular = now.getTime() + CHECK_SECONDS * 1000;
  const timeout = timeoutAt === undefined ? Number.NaN : Date.parse(timeoutAt);
  return new Date(timeout > now.getTime() ? Math.min(regular, timeout) : regular).toISOString();
}

/** A task that was told to stop has stopped by then (seconds). */
const LAST_CHECK_SECONDS = 2 * 60;

/**
 * When `reconcile` looks at an execution that has ended: once, for what is still held for its sandboxes, which may take
 * a while to stop. Undefined where there was nothing to hold.
 */
export function lastCheckAt(
  now: Date,
  { budget, steps }: Pick<ExecutionRecord, 'budget' | 'steps'>,
): string | undefined {
  if (budget === undefined || !steps.some(({ kind }) => kind === 'sandbox')) return undefined;
  return new Date(now.getTime() + LAST_CHECK_SECONDS * 1000).toISOString();
}
