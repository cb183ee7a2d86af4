import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { byPathThenNumber } from '../approvals/approval-id.ts';
import type { ApprovalRecord, AttemptRecord, ExecutionRecord, LeaseRecord } from '../execution/records.ts';
import type { Clock, ExecutionStore, Ids, Records } from '../ports.ts';
import { checkTransaction } from './check-transaction.ts';
import { documentClient, type Item, queryItems, takeItems } from './document-client.ts';
import { readFreeze, writeFreeze } from './freeze-switch.ts';
import { approvalsPage, executionsPage } from './record-lists.ts';
import type { RetryOptions } from './retry-conflicts.ts';
import {
  approvalKey,
  attemptKey,
  attemptPrefix,
  type ItemKey,
  leaseKey,
  metaKey,
  openCountKey,
  partitionOf,
  recordOf,
} from './state-keys.ts';
import { cannotHold, transactionInput } from './transaction-items.ts';
import { writeTransaction } from './write-transaction.ts';

export interface DynamoExecutionStoreOptions {
  readonly client: DynamoDBClient;
  readonly stateTable: string;
  readonly eventsTable: string;
  readonly ids: Ids;
  readonly clock: Clock;
  /** How long a record is kept after its last write. */
  readonly retentionDays: number;
  readonly retry?: RetryOptions;
}

/** Records in the State table; every commit with events puts one item into the Events table. */
export function dynamoExecutionStore(options: DynamoExecutionStoreOptions): ExecutionStore {
  const client = documentClient(options.client);
  const { stateTable: TableName } = options;

  async function getItem(key: ItemKey): Promise<Item | undefined> {
    return (await client.send(new GetCommand({ TableName, Key: key, ConsistentRead: true }))).Item;
  }

  async function get<R>(key: ItemKey): Promise<R | undefined> {
    const item = await getItem(key);
    return item === undefined ? undefined : recordOf<R>(item);
  }

  async function list<R>(executionId: string, prefix: string): Promise<R[]> {
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
    async getExecution(executionId) {
      const record = await get<ExecutionRecord>(metaKey(executionId));
      // What counts the events of a tenant's chain stands in the same place, and is no execution.
      return record?.executionId === undefined ? undefined : record;
    },
    getAttempt: (executionId, path, attempt) => get<AttemptRecord>(attemptKey(executionId, path, attempt)),
    getLease: (executionId, path, attempt) => get<LeaseRecord>(leaseKey(executionId, path, attempt)),
    getApproval: async (approvalId) => get<ApprovalRecord>(approvalKey(approvalId)),
    listAttempts: (executionId, path) =>
      list<AttemptRecord>(executionId, path === undefined ? 'STEP#' : attemptPrefix(path)),
    listLeases: (executionId) => list<LeaseRecord>(executionId, 'LEASE#'),
    /** Sorted here: numbers are written in the keys without leading zeros, as in the ids. */
    listApprovals: async (executionId) => (await list<ApprovalRecord>(executionId, 'APPROVAL#')).sort(byPathThenNumber),
    queryApprovals: (query) => approvalsPage(client, TableName, query),
    openCount: async (tenant, workflow) => Number((await getItem(openCountKey(tenant, workflow)))?.open ?? 0),
    getFreeze: () => readFreeze(client, TableName),
    setFreeze: (freeze, events) => writeFreeze(client, freeze, events, options),

    async commit(transaction) {
      checkTransaction(transaction);
      if (transaction.changes.length === 0 && transaction.events.length === 0) return true;
      if (transaction.changes.some(cannotHold)) return false;
      const input = transactionInput(transaction, options);
      return writeTransaction(client, input, options.retry);
    },

    listExecutions: (query) => executionsPage(client, TableName, query),

    async due<K extends 'execution' | 'lease' | 'approval'>(item: K, now: Date, limit: number) {
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
