import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import type { Scope, ScopeState, WindowLimits } from '../budget/ledger.ts';
import {
  afterLimit,
  currentPeriods,
  limitOfWindow,
  newScope,
  sameLimits,
  unknownExecution,
} from '../budget/ledger-rules.ts';
import { minusUsd, type NanoUsd, ZERO_USD } from '../budget/money.ts';
import type { Clock, Ids } from '../ports.ts';
import { isWatched, scopeItem, scopeStateOf, WATCHED, type Watched } from './ledger-items.ts';
import { type Budgeted, limitsKey, scopeKey } from './ledger-keys.ts';
import { type Expiries, expiryOf } from './ledger-transactions.ts';
import { writeLedger } from './ledger-writes.ts';
import type { RetryOptions } from './retry-conflicts.ts';
import { storable } from './storable.ts';
import type { TransactItem } from './tenant-chain-item.ts';

export interface LimitsOptions {
  readonly ledgerTable: string;
  readonly ids: Ids;
  readonly clock: Clock;
  readonly retry?: RetryOptions;
}

/** Limits of windows as they are stored. The version 0 is that of limits that nobody set. */
interface StoredLimits {
  readonly limits: WindowLimits;
  readonly version: number;
}

/**
 * Makes the item of a scope that nobody has used yet: a window, or an agent without a limit of its own. The limits of a
 * window are checked in the same transaction, so that it begins with those that hold. When somebody else comes first,
 * nothing is written. Throws `unknown_execution` for the scope of an execution, which Open makes.
 */
export async function openScope(
  client: DynamoDBDocumentClient,
  scope: Scope,
  options: LimitsOptions,
  expiries: Expiries,
): Promise<void> {
  if (scope.kind === 'execution') throw unknownExecution(scope.executionId);
  const { ledgerTable: TableName, ids, retry } = options;
  if (scope.kind === 'agent') {
    const put = putScope(TableName, newScope(scope, undefined, undefined), expiries);
    await writeLedger(client, [put, executionCheck(TableName, scope.executionId)], ids.next(), retry);
    return;
  }
  const { limits, version } = await readLimits(client, TableName, scope);
  const put = putScope(TableName, newScope(scope, limitOfWindow(limits, scope.window), limits.alertsAt), expiries);
  await writeLedger(client, [put, limitsCheck(TableName, scope, version)], ids.next(), retry);
}

export function putScope(TableName: string, state: ScopeState, expiries: Expiries): TransactItem {
  return {
    Put: {
      TableName,
      Item: scopeItem(state, expiryOf(state.scope, expiries)),
      ConditionExpression: 'attribute_not_exists(pk)',
    },
  };
}

function executionCheck(TableName: string, executionId: string): TransactItem {
  return {
    ConditionCheck: {
      TableName,
      Key: scopeKey({ kind: 'execution', executionId }),
      ConditionExpression: 'attribute_exists(pk)',
    },
  };
}

export async function readLimits(
  client: DynamoDBDocumentClient,
  TableName: string,
  budgeted: Budgeted,
): Promise<StoredLimits> {
  const { Item } = await client.send(new GetCommand({ TableName, Key: limitsKey(budgeted), ConsistentRead: true }));
  return Item === undefined
    ? { limits: {}, version: 0 }
    : { limits: Item.limits as WindowLimits, version: Number(Item.version) };
}

export async function readScope(
  client: DynamoDBDocumentClient,
  TableName: string,
  scope: Scope,
): Promise<ScopeState | undefined> {
  const { Item } = await client.send(new GetCommand({ TableName, Key: scopeKey(scope), ConsistentRead: true }));
  return Item === undefined ? undefined : scopeStateOf(Item);
}

/**
 * Everything that sets the limits of windows from now on: the limits themselves, and the windows of this moment as they
 * are, with what is spent and held in them. Empty where these limits hold already. All of it fails where a window was
 * opened, or limits were set, in between.
 */
export async function limitItems(
  client: DynamoDBDocumentClient,
  budgeted: Budgeted,
  limits: WindowLimits,
  { ledgerTable: TableName, clock }: LimitsOptions,
): Promise<readonly TransactItem[]> {
  const stored = await readLimits(client, TableName, budgeted);
  if (sameLimits(stored.limits, limits)) return [];
  const windows = (['day', 'month'] as const).flatMap((window) =>
    currentPeriods(window, clock.now()).map((period): Scope & { readonly window: 'day' | 'month' } => ({
      ...budgeted,
      window,
      period,
    })),
  );
  const states = await Promise.all(windows.map((scope) => readScope(client, TableName, scope)));
  return [
    {
      Put: {
        TableName,
        Item: { limits: storable(limits), version: stored.version + 1, ...limitsKey(budgeted) },
        ...limitsCondition(stored.version),
      },
    },
    ...windows.map((scope, index) => {
      const state = states[index];
      return state === undefined
        ? absenceCheck(TableName, scope)
        : setLimit(TableName, state, limitOfWindow(limits, scope.window), limits.alertsAt);
    }),
  ];
}

function limitsCheck(TableName: string, budgeted: Budgeted, version: number): TransactItem {
  return { ConditionCheck: { TableName, Key: limitsKey(budgeted), ...limitsCondition(version) } };
}

function limitsCondition(version: number) {
  return version === 0
    ? { ConditionExpression: 'attribute_not_exists(pk)' }
    : {
        ConditionExpression: '#version = :version',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':version': version },
      };
}

function absenceCheck(TableName: string, scope: Scope): TransactItem {
  return { ConditionCheck: { TableName, Key: scopeKey(scope), ConditionExpression: 'attribute_not_exists(pk)' } };
}

/** Only the difference goes to what remains: a call that reserves in between loses nothing. */
function setLimit(
  TableName: string,
  before: ScopeState,
  limit: NanoUsd | undefined,
  alertsAt: readonly number[] | undefined,
): TransactItem {
  const after = afterLimit(before, limit, alertsAt);
  const set = ['#remaining = #remaining + :delta'];
  const remove: string[] = [];
  const values: Record<string, unknown> = { ':delta': minusUsd(limit ?? ZERO_USD, before.limit ?? ZERO_USD) };
  const put = (name: string, value: unknown) => {
    if (value === undefined) remove.push(`#${name}`);
    else {
      set.push(`#${name} = :${name}`);
      values[`:${name}`] = value;
    }
  };
  put('limit', after.limit);
  put('alertsAt', after.alertsAt);
  put(WATCHED, isWatched(after) ? ('scope' satisfies Watched) : undefined);
  if (before.limit !== undefined) values[':before'] = before.limit;
  return {
    Update: {
      TableName,
      Key: scopeKey(before.scope),
      UpdateExpression: `SET ${set.join(', ')}${remove.length === 0 ? '' : ` REMOVE ${remove.join(', ')}`}`,
      ConditionExpression: `attribute_exists(pk) AND ${before.limit === undefined ? 'attribute_not_exists(#limit)' : '#limit = :before'}`,
      ExpressionAttributeNames: {
        '#remaining': 'remaining',
        '#limit': 'limit',
        '#alertsAt': 'alertsAt',
        [`#${WATCHED}`]: WATCHED,
      },
      ExpressionAttributeValues: values,
    },
  };
}
