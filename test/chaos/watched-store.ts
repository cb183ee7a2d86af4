import type { Clock, Ids, Transaction } from '../../lib/ports.ts';
import { FakeExecutionStore } from '../_helpers/fakes/fake-execution-store.ts';

/** Looks at each commit as it is made: what may not happen even for a moment. */
export class WatchedStore extends FakeExecutionStore {
  readonly wrong: { readonly executionId: string; readonly message: string }[] = [];

  /** Executions with an event that was written by a worker whose clock was off. */
  readonly misdated = new Set<string>();
  readonly #clockIsOff: () => boolean;

  constructor({ clockIsOff, ...options }: { clock: Clock; ids: Ids; clockIsOff: () => boolean }) {
    super(options);
    this.#clockIsOff = clockIsOff;
  }

  override async commit(transaction: Transaction): Promise<boolean> {
    const { executionId, events } = transaction;
    if (this.#clockIsOff()) this.misdated.add(executionId);
    const execution = await this.getExecution(executionId);
    const written = await super.commit(transaction);
    if (!written || execution === undefined) return written;
    for (const { eventType, stepPath, attempt } of events) {
      const begins = eventType === 'sandbox.claimed' || eventType === 'step.prepared';
      if (begins && execution.ending !== undefined) {
        this.wrong.push({ executionId, message: `${eventType} of ${stepPath} ${attempt} while it is ending` });
      }
    }
    return written;
  }
}
