import type { ReconcilePorts } from './ports.ts';

export interface CheckOutcome {
  readonly repaired: number;
  /** What could not be looked at or repaired. */
  readonly failures: readonly unknown[];
}

export interface Check {
  /** Also the value of the dimension of its metric. */
  readonly name: string;
  run(ports: ReconcilePorts): Promise<CheckOutcome>;
}

/** What one look at one thing did. */
export type Look = 'repaired' | 'fine';

/** Checks stop to begin new work when less than this is left, so that the last one can end (milliseconds). */
const RESERVE_MS = 10_000;

/**
 * Looks at things one after the other. One that fails does not keep the others from being looked at. What there was no
 * time for, the next run finds.
 */
export async function lookAtEach<T>(
  ports: Pick<ReconcilePorts, 'remainingMs'>,
  things: readonly T[],
  look: (thing: T) => Promise<Look>,
): Promise<CheckOutcome> {
  const failures: unknown[] = [];
  let repaired = 0;
  for (const thing of things) {
    if (ports.remainingMs() < RESERVE_MS) break;
    try {
      if ((await look(thing)) === 'repaired') repaired += 1;
    } catch (error) {
      failures.push(error);
    }
  }
  return { repaired, failures };
}
