import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { OutboxItem } from '../audit/events.ts';
import type { OutboxStore } from '../ports.ts';
import { documentClient, queryItems, takeItems } from './document-client.ts';
import { ALL_SHARDS, outboxItemOf, outboxKey } from './outbox-items.ts';
import { isConditionFailure, type RetryOptions, retryConflicts } from './retry-conflicts.ts';

/** The chain keeps the events; the outbox keeps its items this long after they were published, to look into trouble. */
export const KEEP_PUBLISHED_SECONDS = 7 * 24 * 3600;

export interface DynamoOutboxStoreOptions {
  readonly client: DynamoDBClient;
  readonly eventsTable: string;
  readonly retry?: RetryOptions;
}

export function dynamoOutboxStore(options: DynamoOutboxStoreOptions): OutboxStore {
  const client = documentClient(options.client);
  const { eventsTable: TableName } = options;
  return {
    async listUnpublished(before, limit) {
      const shards = await Promise.all(
        ALL_SHARDS.map((shard) =>
          takeItems(
            queryItems(client, {
              TableName,
              IndexName: 'byUnpublished',
              KeyConditionExpression: 'unpublishedShard = :shard AND createdAt < :before',
              ExpressionAttributeValues: { ':shard': shard, ':before': before.toISOString() },
              Limit: limit,
            }),
            limit,
          ),
        ),
      );
      return shards.flat().map(outboxItemOf).sort(byCreation).slice(0, limit);
    },

    async markPublished(item, at) {
      const update = new UpdateCommand({
        TableName,
        Key: outboxKey(item),
        UpdateExpression: 'SET publishedAt = :at, expiresAt = :expiresAt REMOVE unpublishedShard',
        // An item that was published before keeps its time; one that has expired must not come back as a stub.
        ConditionExpression: 'attribute_exists(unpublishedShard)',
        ExpressionAttributeValues: {
          ':at': at.toISOString(),
          ':expiresAt': Math.floor(at.getTime() / 1000) + KEEP_PUBLISHED_SECONDS,
        },
      });
      try {
        await retryConflicts(() => client.send(update), options.retry);
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
      }
    },
  };
}

function byCreation(a: OutboxItem, b: OutboxItem): number {
  const [left, right] = [`${a.createdAt} ${a.outboxId}`, `${b.createdAt} ${b.outboxId}`];
  return left < right ? -1 : left > right ? 1 : 0;
}
