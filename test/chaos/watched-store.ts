import type { Transaction } from '../../lib/ports.ts';
import { FakeExecutionStore } from '../_helpers/fakes/fake-execution-store.ts';

/** Looks at each commit as it is made: what may not happen even for a moment. */
export class WatchedStore extends FakeExecutionStore {
  readonly wrong: { readonly executionId: string; readonly message: string }[] = [];

  override async commit(transaction: Transaction): Promise<boolean> {
    const { executionId, events } = transaction;
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
