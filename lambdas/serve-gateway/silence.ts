import type { Clock } from '../../lib/ports.ts';

/**
 * Calls back once nothing was heard for a while. A timer that is not moved with every byte: it looks, when it is over,
 * how long ago the last one was.
 */
export class Silence {
  readonly #clock: Clock;
  readonly #milliseconds: number;
  readonly #onSilent: () => void;
  #heardAt: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, seconds: number, onSilent: () => void) {
    this.#clock = clock;
    this.#milliseconds = seconds * 1000;
    this.#onSilent = onSilent;
    this.#heardAt = clock.now().getTime();
    this.#arm(this.#milliseconds);
  }

  heard(): void {
    this.#heardAt = this.#clock.now().getTime();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      const left = this.#heardAt + this.#milliseconds - this.#clock.now().getTime();
      if (left > 0) {
        this.#arm(left);
        return;
      }
      this.heard();
      this.#arm(this.#milliseconds);
      this.#onSilent();
    }, milliseconds);
  }
}
