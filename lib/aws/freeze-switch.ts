import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import type { WfloEvent } from '../audit/events.ts';
import { WfloError } from '../errors.ts';
import { type Freeze, NOTHING_FROZEN } from '../execution/records.ts';
import type { RetryOptions } from './retry-conflicts.ts';
import { FREEZE_KEY, recordOf } from './state-keys.ts';
import { storable } from './storable.ts';
import { type TransactItem, tenantChainItem } from './tenant-chain-item.ts';
import { type TransactionTables, withOutboxItem } from './transaction-items.ts';
import { writeTransaction } from './write-transaction.ts';

export async function readFreeze(client: DynamoDBDocumentClient, TableName: string): Promise<Freeze> {
  const { Item } = await client.send(new GetCommand({ TableName, Key: FREEZE_KEY, ConsistentRead: true }));
  return Item === undefined ? NOTHING_FROZEN : recordOf<Freeze>(Item);
}

/** False when the stored version is not the one before this. */
export async function writeFreeze(
  client: DynamoDBDocumentClient,
  freeze: Freeze,
  events: readonly WfloEvent[],
  tables: TransactionTables & { readonly retry?: RetryOptions | undefined },
): Promise<boolean> {
  const chainId = chainOf(events);
  const items = [
    freezeItem(freeze, tables.stateTable),
    ...(chainId === undefined ? [] : [tenantChainItem(tables.stateTable, chainId, events.length)]),
  ];
  const input = withOutboxItem(items, chainId ?? '', events, tables);
  return writeTransaction(client, input, tables.retry);
}

/** The one chain that events belong to; undefined where there are none. */
export function chainOf(events: readonly WfloEvent[]): string | undefined {
  const [first, ...others] = new Set(events.map(({ executionId }) => executionId));
  if (others.length > 0)
    throw new WfloError('internal', `events of ${first} and ${others.join(', ')} are written at once`);
  return first;
}

function freezeItem(freeze: Freeze, TableName: string): TransactItem {
  const before = freeze.version - 1;
  return {
    Put: {
      TableName,
      Item: { ...storable(freeze), ...FREEZE_KEY },
      ...(before === 0
        ? { ConditionExpression: 'attribute_not_exists(pk)' }
        : {
            ConditionExpression: '#version = :before',
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: { ':before': before },
          }),
    },
  };
}
