import type { Clock } from '../ports.ts';

interface Sleeper {
  readonly at: number;
  /** Of two that wake at the same time, the one that fell asleep first. */
  readonly order: number;
  readonly wake: () => void;
}

/**
 * Time that passes only while everybody sleeps. One process runs at a time, until it sleeps or ends; then the one that
 * wakes first goes on. So branches overlap as they would, and the same test always runs in the same order.
 */
export class VirtualTime implements Clock {
  #now: number;
  #order = 0;
  #sleepers: Sleeper[] = [];
  #limit = Number.POSITIVE_INFINITY;
  #limitReached: () => void = () => {};

  constructor(start: Date) {
    this.#now = start.getTime();
  }

  now(): Date {
    return new Date(this.#now);
  }

  /** Time stands still at `limit`: whoever would wake later never does, and this resolves. */
  reach(limit: number): Promise<void> {
    this.#limit = limit;
    return new Promise((resolve) => {
      this.#limitReached = resolve;
    });
  }

  async sleep(seconds: number): Promise<void> {
    if (seconds > 0) await this.sleepUntil(this.#now + seconds * 1000);
  }

  /** What lies in the past is now. */
  sleepUntil(at: number): Promise<void> {
    return new Promise((wake) => {
      this.#enqueue(at, wake);
      this.#wakeNext();
    });
  }

  /**
   * Runs processes beside each other, in the order given where nothing else decides, and waits for all. The first
   * failure ends it: the others sleep on and are never woken.
   */
  together<T>(processes: readonly (() => Promise<T>)[]): Promise<readonly T[]> {
    return new Promise((resolve, reject) => {
      const results: T[] = [];
      let open = processes.length;
      processes.forEach((process, index) => {
        this.#enqueue(this.#now, () => {
          process().then((result) => {
            results[index] = result;
            open -= 1;
            // The last one hands on to whoever waits for all.
            if (open === 0) resolve(results);
            else this.#wakeNext();
          }, reject);
        });
      });
      this.#wakeNext();
    });
  }

  #enqueue(at: number, wake: () => void): void {
    this.#order += 1;
    this.#sleepers.push({ at: Math.max(at, this.#now), order: this.#order, wake });
  }

  #wakeNext(): void {
    this.#sleepers.sort((a, b) => a.at - b.at || a.order - b.order);
    const next = this.#sleepers.shift();
    if (next === undefined) return;
    if (next.at > this.#limit) {
      this.#now = Math.max(this.#now, this.#limit);
      this.#limitReached();
      return;
    }
    this.#now = next.at;
    next.wake();
  }
}
