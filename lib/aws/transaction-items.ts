import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import type { WfloEvent } from '../audit/events.ts';
import { SCHEMA } from '../execution/records.ts';
import type { Change, Clock, Ids, OpenCountChange, Transaction } from '../ports.ts';
import type { Item } from './document-client.ts';
import { FORGET_AT, type Retention, recordExpiry } from './expiry.ts';
import { buildExpression, isOneOf } from './expressions.ts';
import { newOutboxRow } from './outbox-items.ts';
import {
  indexAttributes,
  indexAttributesToCopy,
  indexAttributesToRemove,
  keyOfChange,
  nameKey,
  openCountKey,
  type RecordChange,
} from './state-keys.ts';
import { storable } from './storable.ts';
import type { TransactItem } from './tenant-chain-item.ts';

export interface TransactionTables {
  readonly stateTable: string;
  readonly eventsTable: string;
  readonly ids: Ids;
  readonly clock: Clock;
}

/** Of a transaction with records, which expire. */
export type RecordTables = TransactionTables & Retention;

/** What DynamoDB would refuse to compare is decided here: `IN` without operands, a limit that leaves no room. */
export function cannotHold(change: Change): boolean {
  if (change.item === 'openCount') return change.add === 1 && change.limit !== undefined && change.limit < 1;
  if ('put' in change) return false;
  return Object.values(change.expect ?? {}).some((wanted) => isOneOf(wanted) && wanted.oneOf.length === 0);
}

/** All changes, and the outbox item with all events. */
export function transactionInput(transaction: Transaction, tables: RecordTables): TransactWriteCommandInput {
  const { executionId, changes } = transaction;
  const { stateTable } = tables;
  const expiry = { [FORGET_AT]: recordExpiry(tables) };
  const events = storable(transaction.events);
  const items = changes.map((change) =>
    change.item === 'openCount'
      ? openCountItem(change, stateTable)
      : recordItem(executionId, change, stateTable, expiry, change.item === 'execution' ? events.length : 0),
  );
  if (events.length > 0 && !changes.some((change) => change.item === 'execution')) {
    items.push(recordItem(executionId, { item: 'execution' }, stateTable, expiry, events.length));
  }
  if (changes.some((change) => change.item === 'execution' && 'put' in change)) {
    items.push(nameItem(executionId, stateTable));
  }
  return withOutboxItem(items, executionId, events, tables);
}

/**
 * Items with the outbox item that tells of them; only the items where there is nothing to tell. A repeat after a lost
 * answer is recognised by DynamoDB for 10 minutes, and does not count the events twice.
 */
export function withOutboxItem(
  items: readonly TransactItem[],
  chainId: string,
  events: readonly WfloEvent[],
  tables: TransactionTables,
): TransactWriteCommandInput {
  if (events.length === 0) return { TransactItems: [...items] };
  const outboxId = tables.ids.next();
  const row = newOutboxRow({
    schema: SCHEMA,
    executionId: chainId,
    outboxId,
    events: storable(events),
    createdAt: tables.clock.now().toISOString(),
  });
  return {
    TransactItems: [...items, { Put: { TableName: tables.eventsTable, Item: row } }],
    ClientRequestToken: outboxId,
  };
}

function recordItem(
  executionId: string,
  change: RecordChange,
  TableName: string,
  expiry: { readonly [FORGET_AT]: number },
  eventCount: number,
): TransactItem {
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
          ...expiry,
          ...Key,
        },
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    };
  }
  const set: Item = storable({ ...change.set });
  const remove: readonly string[] = change.remove ?? [];
  const writes = eventCount > 0 || remove.length > 0 || Object.keys(set).length > 0;
  const { UpdateExpression, ...condition } = buildExpression(
    {
      set: { ...set, ...indexAttributes(change.item, executionId, set), ...(writes ? expiry : {}) },
      copy: indexAttributesToCopy(change.item, set),
      remove: [...remove, ...indexAttributesToRemove(remove)],
      add: eventCount === 0 ? {} : { eventCount },
    },
    storable({ ...change.expect }),
  );
  return UpdateExpression === undefined
    ? { ConditionCheck: { TableName, Key, ...condition } }
    : { Update: { TableName, Key, UpdateExpression, ...condition } };
}

/** Once and for ever: a second execution of the name is refused also when nothing else is left of the first. */
function nameItem(executionId: string, TableName: string): TransactItem {
  return { Put: { TableName, Item: nameKey(executionId), ConditionExpression: 'attribute_not_exists(pk)' } };
}

/** The item is made by the first that counts up, and stays. */
function openCountItem({ tenant, workflow, add, limit }: OpenCountChange, TableName: string): TransactItem {
  const condition =
    add === -1
      ? { ConditionExpression: '#open > :bound', bound: { ':bound': 0 } }
      : limit === undefined
        ? {}
        : { ConditionExpression: 'attribute_not_exists(#open) OR #open < :bound', bound: { ':bound': limit } };
  const { bound, ...expression } = { bound: {}, ...condition };
  return {
    Update: {
      TableName,
      Key: openCountKey(tenant, workflow),
      UpdateExpression: 'ADD #open :add',
      ...expression,
      ExpressionAttributeNames: { '#open': 'open' },
      ExpressionAttributeValues: { ':add': add, ...bound },
    },
  };
}
