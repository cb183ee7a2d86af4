import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import type { OwnScope, Scope, ScopeState, WindowLimits, WindowScope } from '../budget/ledger.ts';
import {
  afterLimit,
  currentPeriods,
  limitOfWindow,
  newScope,
  sameLimits,
  unknownExecution,
} from '../budget/ledger-rules.ts';
import { minusUsd, ZERO_USD } from '../budget/money.ts';
import type { Clock, Ids } from '../ports.ts';
import type { Item } from './document-client.ts';
import { FORGET_AT } from './expiry.ts';
import { buildExpression } from './expressions.ts';
import { isWatched, scopeItem, scopeStateOf, WATCHED, type Watched } from './ledger-items.ts';
import { type Budgeted, limitsKey, scopeKey, windowsKey } from './ledger-keys.ts';
import type { Expiries } from './ledger-transactions.ts';
import { fieldsOf, periodAt, placeFields, placeOf, WINDOWS, windowState, windowStates } from './ledger-windows.ts';
import { ledgerBusy, writeLedger } from './ledger-writes.ts';
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

/** Makes the item of an agent without a limit of its own. Throws `unknown_execution` for an execution, which Open makes. */
export async function openAgent(
  client: DynamoDBDocumentClient,
  scope: OwnScope,
  { ledgerTable: TableName, ids, retry }: LimitsOptions,
  expiries: Expiries,
): Promise<void> {
  if (scope.kind === 'execution') throw unknownExecution(scope.executionId);
  const execution = {
    ConditionCheck: {
      TableName,
      Key: scopeKey({ kind: 'execution', executionId: scope.executionId }),
      ConditionExpression: 'attribute_exists(pk)',
    },
  };
  const put = putScope(TableName, newScope(scope, undefined, undefined), expiries);
  await writeLedger(client, [put, execution], ids.next(), retry);
}

/**
 * Gives windows their places in the item of their workflow or tenant. Their limits are checked in the same transaction,
 * so that they begin with those that hold. When somebody else comes first, nothing is written. Throws `ledger_busy`
 * where a later period has the place already: a clock is wrong by days, and nobody can tell whose.
 */
export async function openWindows(
  client: DynamoDBDocumentClient,
  windows: readonly WindowScope[],
  { ledgerTable: TableName, ids, retry }: LimitsOptions,
  expiries: Expiries,
): Promise<void> {
  const [budgeted] = windows;
  if (budgeted === undefined) return;
  const [{ limits, version }, item] = await Promise.all([
    readLimits(client, TableName, budgeted),
    readWindows(client, TableName, budgeted),
  ]);
  const missing = windows.filter((scope) => windowState(item, scope) === undefined);
  if (missing.length === 0) return;
  if (missing.some((scope) => (periodAt(item ?? {}, scope) ?? '') > scope.period)) throw ledgerBusy();
  const states = missing.map((scope) => newScope(scope, limitOfWindow(limits, scope.window), limits.alertsAt));
  const staying = windowStates(item ?? {}).filter(
    ({ scope }) => !missing.some((other) => placeOf(other) === placeOf(scope)),
  );
  const fields = Object.assign(
    { [FORGET_AT]: expiries.value, subject: subjectOf(budgeted) },
    ...states.map(placeFields),
    {
      [WATCHED]: watchedOf([...staying, ...states]),
    },
  ) as Item;
  const before = Object.fromEntries(
    states.map(({ scope }) => [fieldsOf(placeOf(scope)).period, periodAt(item ?? {}, scope)]),
  );
  const windowsItem =
    item === undefined
      ? putWindows(TableName, budgeted, fields)
      : updateWindows(TableName, budgeted, { set: fields, add: {}, before });
  await writeLedger(client, [windowsItem, limitsCheck(TableName, budgeted, version)], ids.next(), retry);
}

function subjectOf(budgeted: Budgeted): Budgeted {
  const { tenant } = budgeted;
  return budgeted.kind === 'tenant'
    ? { kind: budgeted.kind, tenant }
    : { kind: budgeted.kind, tenant, workflow: budgeted.workflow };
}

function watchedOf(states: readonly Pick<ScopeState, 'limit' | 'alertsAt'>[]): Watched | undefined {
  return states.some(isWatched) ? 'windows' : undefined;
}

function putWindows(TableName: string, budgeted: Budgeted, fields: Item): TransactItem {
  return {
    Put: {
      TableName,
      Item: { ...storable(fields), ...windowsKey(budgeted) },
      ConditionExpression: 'attribute_not_exists(pk)',
    },
  };
}

/** What is changed in the item of windows. `undefined` removes in `set`; in `before` it says that nothing was there. */
interface WindowsUpdate {
  readonly set: Item;
  readonly add: Readonly<Record<string, number>>;
  readonly before: Item;
}

function updateWindows(TableName: string, budgeted: Budgeted, { set, add, before }: WindowsUpdate): TransactItem {
  const remove = Object.keys(set).filter((name) => set[name] === undefined);
  const expect = Object.fromEntries(Object.entries(before).map(([name, was]) => [name, was ?? { absent: true }]));
  const { UpdateExpression = '', ...rest } = buildExpression({ set, remove, add }, expect);
  return { Update: { TableName, Key: windowsKey(budgeted), UpdateExpression, ...rest } };
}

export function putScope(
  TableName: string,
  state: ScopeState<OwnScope>,
  expiries: Expiries,
  limitedAgents?: readonly string[],
): TransactItem {
  return {
    Put: {
      TableName,
      Item: scopeItem(state, expiries.record, limitedAgents),
      ConditionExpression: 'attribute_not_exists(pk)',
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

async function readWindows(
  client: DynamoDBDocumentClient,
  TableName: string,
  budgeted: Budgeted,
): Promise<Item | undefined> {
  return (await client.send(new GetCommand({ TableName, Key: windowsKey(budgeted), ConsistentRead: true }))).Item;
}

/** Undefined also for a window of which the place was taken by a later one. */
export async function readScope(
  client: DynamoDBDocumentClient,
  TableName: string,
  scope: Scope,
): Promise<ScopeState | undefined> {
  if ('window' in scope) return windowState(await readWindows(client, TableName, scope), scope);
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
  const put = {
    Put: {
      TableName,
      Item: { limits: storable(limits), version: stored.version + 1, ...limitsKey(budgeted) },
      ...limitsCondition(stored.version),
    },
  };
  const item = await readWindows(client, TableName, budgeted);
  if (item === undefined) return [put, absenceCheck(TableName, budgeted)];
  return [put, limitWindows(TableName, budgeted, item, limits, clock.now())];
}

/** Only the difference goes to what remains: a call that reserves in between loses nothing. */
function limitWindows(
  TableName: string,
  budgeted: Budgeted,
  item: Item,
  limits: WindowLimits,
  now: Date,
): TransactItem {
  const set: Item = {};
  const add: Record<string, number> = {};
  const seen: Item = {};
  const after = new Map<string, ScopeState>(windowStates(item).map((state) => [placeOf(state.scope), state]));
  for (const window of WINDOWS) {
    for (const period of currentPeriods(window, now)) {
      const scope: WindowScope = { ...subjectOf(budgeted), window, period };
      const fields = fieldsOf(placeOf(scope));
      const before = windowState(item, scope);
      seen[fields.period] = periodAt(item, scope);
      if (before === undefined) continue;
      const limited = afterLimit(before, limitOfWindow(limits, window), limits.alertsAt);
      after.set(placeOf(scope), limited);
      seen[fields.limit] = before.limit;
      add[fields.remaining] = minusUsd(limited.limit ?? ZERO_USD, before.limit ?? ZERO_USD);
      set[fields.limit] = limited.limit;
      set[fields.alertsAt] = limited.alertsAt;
    }
  }
  set[WATCHED] = watchedOf([...after.values()]);
  return updateWindows(TableName, budgeted, { set, add, before: seen });
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

function absenceCheck(TableName: string, budgeted: Budgeted): TransactItem {
  return { ConditionCheck: { TableName, Key: windowsKey(budgeted), ConditionExpression: 'attribute_not_exists(pk)' } };
}
