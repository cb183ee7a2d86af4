import { appendToChain } from '../../../lib/audit/chain.ts';
import type { ChainHead, ChainRecord, OutboxItem } from '../../../lib/audit/events.ts';
import type { AuditStore, Page } from '../../../lib/ports.ts';

export class FakeAuditStore implements AuditStore {
  readonly #chains = new Map<string, ChainRecord[]>();
  readonly #appended = new Map<string, readonly ChainRecord[]>();

  async append(item: OutboxItem): Promise<readonly ChainRecord[]> {
    const marker = `${item.executionId} ${item.outboxId}`;
    const before = this.#appended.get(marker);
    if (before !== undefined) return structuredClone(before);
    const chain = this.#chains.get(item.executionId) ?? [];
    const records = structuredClone(appendToChain(chain.at(-1), item.events));
    this.#chains.set(item.executionId, [...chain, ...records]);
    this.#appended.set(marker, records);
    return structuredClone(records);
  }

  async list(executionId: string, after: number, limit: number): Promise<Page<ChainRecord>> {
    const rest = (this.#chains.get(executionId) ?? []).filter((record) => record.seq > after);
    const items = structuredClone(rest.slice(0, limit));
    const last = items.at(-1);
    return rest.length > items.length && last !== undefined ? { items, cursor: String(last.seq) } : { items };
  }

  async head(executionId: string): Promise<ChainHead | undefined> {
    const last = this.#chains.get(executionId)?.at(-1);
    return last === undefined ? undefined : { seq: last.seq, hash: last.hash };
  }
}
