import type { Clock } from '../../lib/ports.ts';

interface Due {
  readonly at: number;
  /** Of two at the same time, the one that was set first. */
  readonly order: number;
  readonly act: () => void;
}

/**
 * Virtual time for everybody at once. What happens next is what is due first; whatever that sets going runs until all
 * of it waits again. So the same seed always runs in the same order, and no time passes in between.
 */
export class Simulation implements Clock {
  #now: number;
  #order = 0;
  readonly #heap: Due[] = [];
  /** A mistake of the harness itself, such as a process that was not expected to fail. */
  #broken: { readonly error: unknown } | undefined;

  constructor(start: string) {
    this.#now = Date.parse(start);
  }

  now(): Date {
    return new Date(this.#now);
  }

  get ms(): number {
    return this.#now;
  }

  at(ms: number, act: () => void): void {
    this.#order += 1;
    push(this.#heap, { at: ms, order: this.#order, act });
  }

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => this.at(this.#now + ms, wake));
  }

  /** The clock leaps: what was due in between comes late. */
  leap(ms: number): void {
    this.#now += ms;
  }

  /** Begins a process that nobody waits for. */
  spawn(process: () => Promise<unknown>): void {
    process().catch((error: unknown) => {
      this.#broken ??= { error };
    });
  }

  /** Until `done`, or there is nothing left to happen, or it is `limit`. */
  async run(done: () => boolean, limit: number): Promise<void> {
    while (!done() && this.#now < limit) {
      const next = pop(this.#heap);
      if (next === undefined) return;
      this.#now = Math.max(this.#now, next.at);
      next.act();
      // After all that follows from it has run: everything here waits for promises, and these are settled by then.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#broken !== undefined) throw this.#broken.error;
    }
  }
}

/** Of somebody who is no more. */
export function never<T>(): Promise<T> {
  return new Promise(() => {});
}

const isBefore = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

function push(heap: Due[], due: Due): void {
  let index = heap.length;
  heap.push(due);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || isBefore(above, due)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = due;
}

function pop(heap: Due[]): Due | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    const [left, right] = [heap[child], heap[child + 1]];
    if (left === undefined) break;
    if (right !== undefined && isBefore(right, left)) child += 1;
    const smaller = heap[child] as Due;
    if (isBefore(last, smaller)) break;
    heap[index] = smaller;
    index = child;
  }
  heap[index] = last;
  return first;
}
