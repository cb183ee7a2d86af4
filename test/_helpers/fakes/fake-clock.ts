import type { Clock } from '../../../lib/ports.ts';

/** Stands still until it is moved. */
export class FakeClock implements Clock {
  #now: Date;

  constructor(now: Date | string = '2026-01-01T00:00:00.000Z') {
    this.#now = new Date(now);
  }

  now(): Date {
    return new Date(this.#now);
  }

  set(now: Date | string): void {
    this.#now = new Date(now);
  }

  advance(seconds: number): void {
    this.#now = new Date(this.#now.getTime() + seconds * 1000);
  }
}
