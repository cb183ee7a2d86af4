import { DETACHED_CALLS } from './limits.ts';
import { sleep } from './sleep.ts';

const STOPPED = 'the gateway was stopped';

/** What goes on in this process: calls, and holds that are being closed. */
export class InFlight {
  readonly #work = new Set<Promise<unknown>>();
  readonly #calls = new Set<AbortController>();
  #detached = 0;
  #stopping = false;
  #over = false;

  /** No call is taken any more. */
  get stopping(): boolean {
    return this.#stopping;
  }

  get calls(): number {
    return this.#calls.size;
  }

  /** Work that must not be cut off. It reports its own failures. */
  follow(work: Promise<unknown>): void {
    const ended: Promise<void> = work
      .catch(() => undefined)
      .then(() => {
        this.#work.delete(ended);
      });
    this.#work.add(ended);
  }

  /** A call that can be ended from outside. */
  begin(call: AbortController): void {
    this.#calls.add(call);
    // It was still reserving when the others were ended.
    if (this.#over) call.abort(STOPPED);
  }

  end(call: AbortController, detached: boolean): void {
    this.#calls.delete(call);
    if (detached) this.#detached -= 1;
  }

  /** A call whose client has gone is read on. False where there are too many of them: it must end. */
  detach(): boolean {
    this.#detached += 1;
    return this.#detached <= DETACHED_CALLS;
  }

  /** Until everything that was followed has ended, also what began meanwhile. */
  async idle(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  /** Takes no more calls, lets those that run end within the time, then ends the rest: what they cost is not known. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    await Promise.race([this.idle(), sleep(graceMs)]);
    this.#over = true;
    for (const call of this.#calls) call.abort(STOPPED);
    await this.idle();
  }
}
