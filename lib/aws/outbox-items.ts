import { createHash } from 'node:crypto';
import { DECISION_EVENTS } from '../approvals/resume.ts';
import type { OutboxItem } from '../audit/events.ts';
import type { Item } from './document-client.ts';
import { type ItemKey, partitionOf } from './state-keys.ts';
import { UNPUBLISHED_SHARDS } from './table-schemas.ts';

/** What a row has beside its item when a waiting state has to be told of it: the filter of its stream reads it. */
export const RESUMES = { attribute: 'resumes', value: 'approval' } as const;

export function outboxKey(item: Pick<OutboxItem, 'executionId' | 'outboxId'>): ItemKey {
  return { pk: partitionOf(item.executionId), sk: item.outboxId };
}

/** An outbox item as it is written: unpublished. */
export function newOutboxRow(item: OutboxItem): Item {
  const decides = item.events.some(({ eventType }) => DECISION_EVENTS.includes(eventType));
  return {
    ...outboxKey(item),
    ...item,
    unpublishedShard: shardOf(item.outboxId),
    ...(decides ? { [RESUMES.attribute]: RESUMES.value } : {}),
  };
}

export function outboxItemOf(row: Item): OutboxItem {
  const { pk, sk, unpublishedShard, expiresAt, [RESUMES.attribute]: _resumes, ...item } = row;
  return item as unknown as OutboxItem;
}

export const ALL_SHARDS: readonly string[] = Array.from({ length: UNPUBLISHED_SHARDS }, (_, shard) => String(shard));

function shardOf(outboxId: string): string {
  return String((createHash('sha256').update(outboxId).digest()[0] ?? 0) % UNPUBLISHED_SHARDS);
}
