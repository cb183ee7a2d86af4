import type { ChainRecord } from '../../../lib/audit/events.ts';
import type { EventBus } from '../../../lib/ports.ts';

export class FakeEventBus implements EventBus {
  readonly published: ChainRecord[] = [];
  /** Thrown by the next publish, once. */
  failure: Error | undefined;

  async publish(records: readonly ChainRecord[]): Promise<void> {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    this.published.push(...structuredClone(records));
  }
}
