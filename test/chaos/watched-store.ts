import type { Clock, Ids, Transaction } from '../../lib/ports.ts';
import { FakeExecutionStore } from '../_helpers/fakes/fake-execution-store.ts';

/** Looks at each commit as it is made: what may not happen even for a moment. */
export class WatchedStore extends FakeExecutionStore {
  readonly wrong: { readonly executionId: string; readonly message: string }[] = [];

  /** Executions with an event that was written by a worker whose clock was off. */
  readonly misdated = new Set<string>();
  /** When it was first recorded that an execution is to end, and how. */
  readonly endingSince = new Map<string, number>();
  readonly #clockIsOff: () => boolean;
  readonly #clock: Clock;

  constructor({ clockIsOff, ...options }: { clock: Clock; ids: Ids; clockIsOff: () => boolean }) {
    super(options);
    this.#clockIsOff = clockIsOff;
    this.#clock = options.clock;
  }

  override async commit(transaction: Transaction): Promise<boolean> {
    const { executionId, events } = transaction;
    if (this.#clockIsOff()) this.misdated.add(executionId);
    const execution = await this.getExecution(executionId);
    const written = await super.commit(transaction);
    if (!written || execution === undefined) return written;
    if (execution.ending === undefined && (await this.getExecution(executionId))?.ending !== undefined) {
      this.endingSince.set(executionId, this.#clock.now().getTime());
    }
    for (const { eventType, stepPath, attempt } of events) {
      const begins = eventType === 'sandbox.claimed' || eventType === 'step.prepared';
      if (begins && execution.ending !== undefined) {
        this.wrong.push({ executionId, message: `${eventType} of ${stepPath} ${attempt} while it is ending` });
      }
    }
    return written;
  }
}
