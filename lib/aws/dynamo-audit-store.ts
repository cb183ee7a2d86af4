import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetCommand, TransactWriteCommand, type TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { appendToChain } from '../audit/chain.ts';
import type { ChainHead, ChainRecord, OutboxItem } from '../audit/events.ts';
import type { AuditStore } from '../ports.ts';
import { documentClient, type Item, queryItems, takeItems } from './document-client.ts';
import { cancellationCodes, type RetryOptions, retryConflicts } from './retry-conflicts.ts';
import { type ItemKey, partitionOf } from './state-keys.ts';
import { storable } from './storable.ts';

export interface DynamoAuditStoreOptions {
  readonly client: DynamoDBClient;
  readonly auditTable: string;
  readonly retry?: RetryOptions;
}

/** How often an append starts anew because somebody else appended to the same chain in between. */
const MAX_APPENDS = 50;

/**
 * Chains in the Audit table: one item `SEQ#<10 digits>` per record, `HEAD` with the end of the chain, and a marker
 * `EVT#<outboxId>` with the range of records that an outbox item became.
 */
export function dynamoAuditStore(options: DynamoAuditStoreOptions): AuditStore {
  const client = documentClient(options.client);
  const { auditTable: TableName } = options;

  async function get(key: ItemKey): Promise<Item | undefined> {
    return (await client.send(new GetCommand({ TableName, Key: key, ConsistentRead: true }))).Item;
  }

  async function head(executionId: string): Promise<ChainHead | undefined> {
    const item = await get(headKey(executionId));
    return item === undefined ? undefined : { seq: Number(item.seq), hash: String(item.hash) };
  }

  /** Records of the range, both ends included. */
  async function range(executionId: string, from: number, to: number, limit: number): Promise<ChainRecord[]> {
    const items = queryItems(client, {
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      ExpressionAttributeValues: {
        ':pk': partitionOf(executionId),
        ':from': recordKey(executionId, from).sk,
        ':to': recordKey(executionId, to).sk,
      },
      Limit: limit,
    });
    return (await takeItems(items, limit)).map(chainRecordOf);
  }

  async function appended(item: OutboxItem): Promise<readonly ChainRecord[]> {
    const marker = await get(markerKey(item));
    const [from, to] = [Number(marker?.from), Number(marker?.to)];
    return range(item.executionId, from, to, to - from + 1);
  }

  return {
    head,

    async append(item) {
      // The hash is over what the table gives back.
      const events = storable(item.events);
      for (let tries = 1; ; tries += 1) {
        const before = await head(item.executionId);
        const records = appendToChain(before, events);
        try {
          await retryConflicts(
            () => client.send(new TransactWriteCommand(appendInput(item, before, records, TableName))),
            options.retry,
          );
          return records;
        } catch (error) {
          const [marker, ...others] = cancellationCodes(error);
          if (marker === 'ConditionalCheckFailed') return await appended(item);
          // Somebody moved the head since it was read.
          if (!others.includes('ConditionalCheckFailed') || tries >= MAX_APPENDS) throw error;
        }
      }
    },

    async list(executionId, after, limit) {
      const records = await range(executionId, after + 1, MAX_SEQ, limit + 1);
      const items = records.slice(0, limit);
      const last = items.at(-1);
      return records.length > limit && last !== undefined ? { items, cursor: String(last.seq) } : { items };
    },
  };
}

const MAX_SEQ = 9_999_999_999;

function headKey(executionId: string): ItemKey {
  return { pk: partitionOf(executionId), sk: 'HEAD' };
}

function markerKey(item: OutboxItem): ItemKey {
  return { pk: partitionOf(item.executionId), sk: `EVT#${item.outboxId}` };
}

function recordKey(executionId: string, seq: number): ItemKey {
  return { pk: partitionOf(executionId), sk: `SEQ#${String(seq).padStart(10, '0')}` };
}

function chainRecordOf(item: Item): ChainRecord {
  const { seq, prevHash, hash, event } = item;
  return { seq, prevHash, hash, event } as ChainRecord;
}

/** The marker comes first: its code tells a repeat from a moved head. */
function appendInput(
  item: OutboxItem,
  before: ChainHead | undefined,
  records: readonly ChainRecord[],
  TableName: string,
): TransactWriteCommandInput {
  const { executionId } = item;
  const [first, last] = [records[0], records.at(-1)];
  if (first === undefined || last === undefined) throw new Error(`outbox item ${item.outboxId} has no events`);
  const isNew = 'attribute_not_exists(pk)';
  return {
    TransactItems: [
      {
        Put: {
          TableName,
          Item: { ...markerKey(item), from: first.seq, to: last.seq },
          ConditionExpression: isNew,
        },
      },
      {
        Put: {
          TableName,
          Item: { ...headKey(executionId), seq: last.seq, hash: last.hash },
          ...(before === undefined
            ? { ConditionExpression: isNew }
            : {
                ConditionExpression: '#seq = :seq AND #hash = :hash',
                ExpressionAttributeNames: { '#seq': 'seq', '#hash': 'hash' },
                ExpressionAttributeValues: { ':seq': before.seq, ':hash': before.hash },
              }),
        },
      },
      ...records.map((record) => ({
        Put: {
          TableName,
          Item: { ...recordKey(executionId, record.seq), ...record },
          ConditionExpression: isNew,
        },
      })),
    ],
  };
}
