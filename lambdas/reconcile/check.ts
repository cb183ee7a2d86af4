import type { ReconcilePorts } from './ports.ts';

export interface Check {
  /** Also the name of its metric's dimension. */
  readonly name: string;
  /** Answers how much it repaired. Failures are thrown after everything else was looked at. */
  run(ports: ReconcilePorts): Promise<number>;
}

/** What one look at one thing did. */
export type Look = 'repaired' | 'fine';

/** Checks stop to begin new work when less than this is left, so that the last one can end (milliseconds). */
const RESERVE_MS = 10_000;

/**
 * Looks at things one after the other. One that fails does not keep the others from being looked at; the failures are
 * thrown together in the end. What there was no time for, the next run finds.
 */
export async function lookAtEach<T>(
  ports: Pick<ReconcilePorts, 'remainingMs'>,
  things: readonly T[],
  look: (thing: T) => Promise<Look>,
): Promise<number> {
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
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} of ${things.length} failed`);
  return repaired;
}
