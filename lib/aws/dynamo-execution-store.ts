import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetCommand, TransactWriteCommand, type TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { type AttemptRecord, type ExecutionRecord, type LeaseRecord, SCHEMA } from '../execution/records.ts';
import type { Change, Clock, ExecutionQuery, ExecutionStore, Ids, Page, Records, Transaction } from '../ports.ts';
import { checkTransaction } from './check-transaction.ts';
import { decodePosition, encodePosition } from './cursor.ts';
import { documentClient, type Item, queryItems, takeItems } from './document-client.ts';
import { buildExpression, isOneOf } from './expressions.ts';
import { newOutboxRow } from './outbox-items.ts';
import { isConditionFailure, type RetryOptions, retryConflicts } from './retry-conflicts.ts';
import {
  attemptKey,
  attemptPrefix,
  type ItemKey,
  indexAttributes,
  indexAttributesToRemove,
  keyOfChange,
  leaseKey,
  metaKey,
  partitionOf,
  recordOf,
  startedKey,
  tenantWorkflow,
} from './state-keys.ts';
import { storable } from './storable.ts';

export interface DynamoExecutionStoreOptions {
  readonly client: DynamoDBClient;
  readonly stateTable: string;
  readonly eventsTable: string;
  readonly ids: Ids;
  readonly clock: Clock;
  readonly retry?: RetryOptions;
}

type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** Records in the State table; every commit with events puts one item into the Events table. */
export function dynamoExecutionStore(options: DynamoExecutionStoreOptions): ExecutionStore {
  const client = documentClient(options.client);
  const { stateTable: TableName } = options;

  async function get<R>(key: ItemKey): Promise<R | undefined> {
    const { Item } = await client.send(new GetCommand({ TableName, Key: key, ConsistentRead: true }));
    return Item === undefined ? undefined : recordOf<R>(Item);
  }

  async function list<R>(executionId: string, prefix: string): Promise<readonly R[]> {
    const items = queryItems(client, {
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': partitionOf(executionId), ':prefix': prefix },
    });
    const records: R[] = [];
    for await (const item of items) records.push(recordOf<R>(item));
    return records;
  }

  return {
    getExecution: (executionId) => get<ExecutionRecord>(metaKey(executionId)),
    getAttempt: (executionId, path, attempt) => get<AttemptRecord>(attemptKey(executionId, path, attempt)),
    getLease: (executionId, path, attempt) => get<LeaseRecord>(leaseKey(executionId, path, attempt)),
    listAttempts: (executionId, path) =>
      list<AttemptRecord>(executionId, path === undefined ? 'STEP#' : attemptPrefix(path)),
    listLeases: (executionId) => list<LeaseRecord>(executionId, 'LEASE#'),

    async commit(transaction) {
      checkTransaction(transaction);
      if (transaction.changes.length === 0 && transaction.events.length === 0) return true;
      if (transaction.changes.some(cannotHold)) return false;
      const input = transactionInput(transaction, options);
      try {
        await retryConflicts(() => client.send(new TransactWriteCommand(input)), options.retry);
        return true;
      } catch (error) {
        if (isConditionFailure(error)) return false;
        throw error;
      }
    },

    async listExecutions(query) {
      const executions = await takeItems(
        queryItems(client, executionsQuery(query, TableName)),
        query.limit + 1,
        (item) => query.status === undefined || item.status === query.status,
      );
      return pageOf(executions.map(recordOf<ExecutionRecord>), query.limit);
    },

    async due<K extends 'execution' | 'lease'>(item: K, now: Date, limit: number) {
      const items = queryItems(client, {
        TableName,
        IndexName: 'byCheck',
        KeyConditionExpression: 'checkKind = :kind AND checkAt < :now',
        ExpressionAttributeValues: { ':kind': item, ':now': now.toISOString() },
        Limit: limit,
      });
      return (await takeItems(items, limit)).map(recordOf<Records[K]>);
    },
  };
}

/** `IN` needs an operand, so that a choice of nothing is decided here. */
function cannotHold(change: Change): boolean {
  if ('put' in change) return false;
  return Object.values(change.expect ?? {}).some((wanted) => isOneOf(wanted) && wanted.oneOf.length === 0);
}

function transactionInput(transaction: Transaction, options: DynamoExecutionStoreOptions): TransactWriteCommandInput {
  const { executionId, changes } = transaction;
  const { stateTable } = options;
  const events = storable(transaction.events);
  const items = changes.map((change) =>
    stateItem(executionId, change, stateTable, change.item === 'execution' ? events.length : 0),
  );
  if (events.length === 0) return { TransactItems: items };
  if (!changes.some((change) => change.item === 'execution')) {
    items.push(stateItem(executionId, { item: 'execution' }, stateTable, events.length));
  }
  const outboxId = options.ids.next();
  const row = newOutboxRow({
    schema: SCHEMA,
    executionId,
    outboxId,
    events,
    createdAt: options.clock.now().toISOString(),
  });
  items.push({ Put: { TableName: options.eventsTable, Item: row } });
  // A repeat after a lost answer is recognised by DynamoDB for 10 minutes, and does not count the events twice.
  return { TransactItems: items, ClientRequestToken: outboxId };
}

function stateItem(executionId: string, change: Change, TableName: string, eventCount: number): TransactItem {
  const Key = keyOfChange(executionId, change);
  if ('put' in change) {
    const record: Item = { ...storable(change.put) };
    return {
      Put: {
        TableName,
        Item: {
          ...record,
          ...(typeof record.eventCount === 'number' ? { eventCount: record.eventCount + eventCount } : {}),
          ...indexAttributes(change.item, executionId, record),
          ...Key,
        },
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    };
  }
  const set: Item = storable({ ...change.set });
  const remove: readonly string[] = change.remove ?? [];
  const { UpdateExpression, ...condition } = buildExpression(
    {
      set: { ...set, ...indexAttributes(change.item, executionId, set) },
      remove: [...remove, ...indexAttributesToRemove(remove)],
      add: eventCount === 0 ? {} : { eventCount },
    },
    storable({ ...change.expect }),
  );
  return UpdateExpression === undefined
    ? { ConditionCheck: { TableName, Key, ...condition } }
    : { Update: { TableName, Key, UpdateExpression, ...condition } };
}

function executionsQuery(query: ExecutionQuery, TableName: string) {
  const { tenant, workflow } = query;
  const index =
    workflow === undefined
      ? { IndexName: 'byTenant', name: 'tenant', value: tenant }
      : { IndexName: 'byWorkflow', name: 'tenantWorkflow', value: tenantWorkflow(tenant, workflow) };
  const after = query.cursor === undefined ? undefined : decodePosition(query.cursor);
  return {
    TableName,
    IndexName: index.IndexName,
    ScanIndexForward: false,
    KeyConditionExpression: '#partition = :partition',
    ExpressionAttributeNames: { '#partition': index.name },
    ExpressionAttributeValues: { ':partition': index.value },
    // A status keeps some of what is read: read more at once.
    Limit: query.status === undefined ? query.limit + 1 : 200,
    ...(after === undefined
      ? {}
      : {
          ExclusiveStartKey: {
            ...metaKey(after.slice(after.indexOf('#') + 1)),
            [index.name]: index.value,
            startedKey: after,
          },
        }),
  };
}

/** Of `limit + 1` executions at most, where the last one only tells that there are more. */
function pageOf(executions: readonly ExecutionRecord[], limit: number): Page<ExecutionRecord> {
  const items = executions.slice(0, limit);
  const last = items.at(-1);
  return executions.length > limit && last !== undefined
    ? { items, cursor: encodePosition(startedKey(last)) }
    : { items };
}
