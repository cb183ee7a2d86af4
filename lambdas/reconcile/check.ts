import { sha256 } from '../../lib/json.ts';
import type { ReconcilePorts } from './ports.ts';

export interface CheckOutcome {
  readonly repaired: number;
  /** What could not be looked at or repaired. */
  readonly failures: readonly unknown[];
  /** There was no time for the last of it. */
  readonly cutOff?: boolean;
  /** How long the oldest thing had been due when the check began (seconds). */
  readonly lateSeconds?: number;
}

export interface Check {
  /** Also the value of the dimension of its metrics. */
  readonly name: string;
  run(ports: ReconcilePorts): Promise<CheckOutcome>;
}

/**
 * What one look at one thing did. `repaired`: something had gone wrong before, which alarms count. What is this check's
 * own work, such as a time limit that is over, is `fine`, and so is what the normal path was just about to do.
 */
export type Look = 'repaired' | 'fine';

/** Checks stop to begin new work when less than this is left, so that the last one can end (milliseconds). */
export const RESERVE_MS = 10_000;
/** Calls of one check to a service at the same time. */
const LOOKS_AT_ONCE = 5;
/** The normal path takes seconds; what it has not done after this long was left to reconcile (milliseconds). */
const ON_ITS_WAY_MS = 60_000;

/**
 * Looks at things, several at a time. One that fails does not keep the others from being looked at, but those after it
 * that have the same key of `inOrderOf`. What there was no time for, the next run finds.
 */
export async function lookAtEach<T>(
  ports: Pick<ReconcilePorts, 'remainingMs'>,
  things: readonly T[],
  look: (thing: T) => Promise<Look>,
  inOrderOf?: (thing: T) => string,
): Promise<CheckOutcome> {
  const rows = inOrderOf === undefined ? things.map((thing) => [thing]) : rowsOf(things, inOrderOf);
  const failures: unknown[] = [];
  let repaired = 0;
  let cutOff = false;
  let next = 0;
  const worker = async () => {
    for (let row = rows[next++]; row !== undefined; row = rows[next++]) {
      for (const thing of row) {
        if (ports.remainingMs() < RESERVE_MS) {
          cutOff = true;
          return;
        }
        try {
          if ((await look(thing)) === 'repaired') repaired += 1;
        } catch (error) {
          failures.push(error);
          break;
        }
      }
    }
  };
  await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, worker));
  return { repaired, failures, ...(cutOff ? { cutOff } : {}) };
}

function rowsOf<T>(things: readonly T[], keyOf: (thing: T) => string): readonly (readonly T[])[] {
  const rows = new Map<string, T[]>();
  for (const thing of things) {
    const row = rows.get(keyOf(thing));
    if (row === undefined) rows.set(keyOf(thing), [thing]);
    else row.push(thing);
  }
  return [...rows.values()];
}

/**
 * In another order in every run: where there are more things than a run has time for, or the first of them always fail,
 * none is always among the last. Things of one key stay together, and in their order.
 */
export function shuffled<T>(things: readonly T[], keyOf: (thing: T) => string, now: Date): readonly T[] {
  const place = (thing: T) => sha256(`${now.toISOString()} ${keyOf(thing)}`);
  return things
    .map((thing) => ({ thing, at: place(thing) }))
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
    .map(({ thing }) => thing);
}

/** What a look that found something undone says of it: `since` is when the normal path could have done it. */
export function overdueSince(now: Date, since: string | undefined): Look {
  return since === undefined || now.getTime() - Date.parse(since) >= ON_ITS_WAY_MS ? 'repaired' : 'fine';
}
