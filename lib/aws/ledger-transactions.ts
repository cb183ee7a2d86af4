import type { Hold, HoldRequest, LedgerEntry, RateLimits, Scope } from '../budget/ledger.ts';
import { costRowOf, totalOf } from '../budget/ledger-rules.ts';
import { minusUsd, type NanoUsd, ZERO_USD } from '../budget/money.ts';
import { minuteOf } from '../budget/windows.ts';
import { FORGET_AT } from './expiry.ts';
import { entryItem, holdItem, WATCHED, type Watched } from './ledger-items.ts';
import {
  costKey,
  entryKey,
  entryPosition,
  holdKey,
  holdListing,
  minuteKey,
  recordListing,
  scopeKey,
  totalKey,
} from './ledger-keys.ts';
import { leaseKey } from './state-keys.ts';
import { storable } from './storable.ts';
import type { TransactItem } from './tenant-chain-item.ts';

/** The expressions of the ledger. What is calculated here is `lib/budget/ledger-rules.ts` in DynamoDB's words. */

export interface LedgerTables {
  readonly ledgerTable: string;
  readonly stateTable: string;
}

/** When items expire that are written now, in seconds since 1970. */
export interface Expiries {
  readonly record: number;
  /** What costs are told from: entries, windows, rows. */
  readonly value: number;
  /** Of the count of one minute. */
  readonly minute: number;
}

/** Every failed condition tells what was there. */
const TELL = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;

/** What each item of a reserve is, in the order of the transaction. */
export type ReservePart =
  | { readonly part: 'hold' }
  | { readonly part: 'lease' }
  | { readonly part: 'scope'; readonly scope: Scope }
  | { readonly part: 'minute' };

export function reserveItems(
  request: HoldRequest,
  hold: Hold,
  at: Date,
  tables: LedgerTables,
  expiries: Expiries,
): readonly { readonly item: TransactItem; readonly is: ReservePart }[] {
  const { payer, leaseEpoch, rate = {} } = request;
  const isCall = request.kind === 'call';
  return [
    {
      is: { part: 'hold' },
      item: {
        Put: {
          TableName: tables.ledgerTable,
          Item: holdItem(hold),
          ConditionExpression: 'attribute_not_exists(pk)',
          ...TELL,
        },
      },
    },
    ...(isCall ? [{ is: { part: 'lease' } as const, item: leaseCheck(payer, leaseEpoch, tables) }] : []),
    ...hold.scopes.map((scope) => ({
      is: { part: 'scope', scope } as const,
      item: takeFromScope(scope, hold, rate, tables, expiries),
    })),
    ...(isCall && hasMinute(rate)
      ? [{ is: { part: 'minute' } as const, item: minuteItem(request, at, tables, expiries) }]
      : []),
  ];
}

function hasMinute({ requestsPerMinute, tokensPerMinute }: RateLimits): boolean {
  return requestsPerMinute !== undefined || tokensPerMinute !== undefined;
}

function leaseCheck(
  { executionId, path, attempt }: Hold['payer'],
  leaseEpoch: number | undefined,
  { stateTable }: LedgerTables,
): TransactItem {
  return {
    ConditionCheck: {
      TableName: stateTable,
      Key: leaseKey(executionId, path, attempt),
      ConditionExpression: '#status = :claimed AND #epoch = :epoch',
      ExpressionAttributeNames: { '#status': 'status', '#epoch': 'epoch' },
      // No lease has the epoch 0: a call that names none is fenced.
      ExpressionAttributeValues: { ':claimed': 'claimed', ':epoch': leaseEpoch ?? 0 },
    },
  };
}

/** Conditions cannot calculate: that is why `remaining` is stored. A scope without a limit takes what can be counted. */
function takeFromScope(
  scope: Scope,
  { kind, amount }: Hold,
  { concurrent }: RateLimits,
  { ledgerTable }: LedgerTables,
  expiries: Expiries,
): TransactItem {
  const counts = scope.kind === 'agent' && kind === 'call';
  const bounds = counts && concurrent !== undefined;
  return {
    Update: {
      TableName: ledgerTable,
      Key: scopeKey(scope),
      UpdateExpression: `SET #remaining = #remaining - :amount, #held = #held + :amount, #inflight = #inflight + :one, #forgetAt = :forgetAt${counts ? ', #calling = #calling + :one' : ''}`,
      ConditionExpression: `attribute_exists(pk) AND (#remaining >= :amount OR (attribute_not_exists(#limit) AND #remaining >= :floor))${bounds ? ' AND #calling < :concurrent' : ''}`,
      ExpressionAttributeNames: {
        '#limit': 'limit',
        '#remaining': 'remaining',
        '#held': 'held',
        '#inflight': 'inflight',
        '#forgetAt': FORGET_AT,
        ...(counts ? { '#calling': 'calling' } : {}),
      },
      ExpressionAttributeValues: {
        ':amount': amount,
        ':floor': amount - Number.MAX_SAFE_INTEGER,
        ':one': 1,
        ':forgetAt': expiryOf(scope, expiries),
        ...(bounds ? { ':concurrent': concurrent } : {}),
      },
      ...TELL,
    },
  };
}

/** Windows are read as long as costs are, executions as long as their records. */
export function expiryOf(scope: Scope, expiries: Expiries): number {
  return 'window' in scope ? expiries.value : expiries.record;
}

function minuteItem(
  { payer, rate = {}, tokens = 0 }: HoldRequest,
  at: Date,
  { ledgerTable }: LedgerTables,
  expiries: Expiries,
): TransactItem {
  const conditions = [
    ...(rate.requestsPerMinute === undefined ? [] : ['#requests <= :requestsBefore']),
    ...(rate.tokensPerMinute === undefined ? [] : ['#tokens <= :tokensBefore']),
  ].join(' AND ');
  // The first of the minute has nothing to be compared with.
  const alone = (rate.requestsPerMinute ?? 1) >= 1 && (rate.tokensPerMinute ?? tokens) >= tokens;
  return {
    Update: {
      TableName: ledgerTable,
      Key: minuteKey(payer.executionId, payer.agent, minuteOf(at)),
      UpdateExpression: 'ADD #requests :one, #tokens :tokens SET #forgetAt = :forgetAt',
      ConditionExpression: alone ? `attribute_not_exists(pk) OR (${conditions})` : conditions,
      ExpressionAttributeNames: { '#requests': 'requests', '#tokens': 'tokens', '#forgetAt': FORGET_AT },
      ExpressionAttributeValues: {
        ':one': 1,
        ':tokens': tokens,
        ':forgetAt': expiries.minute,
        ...(rate.requestsPerMinute === undefined ? {} : { ':requestsBefore': rate.requestsPerMinute - 1 }),
        ...(rate.tokensPerMinute === undefined ? {} : { ':tokensBefore': rate.tokensPerMinute - tokens }),
      },
      ...TELL,
    },
  };
}

/** The first item is the hold; `scopes` come next, in their order. */
export function settleItems(
  hold: Hold,
  entry: LedgerEntry,
  scopes: readonly Scope[],
  tables: LedgerTables,
  expiries: Expiries,
): readonly TransactItem[] {
  const { ledgerTable: TableName } = tables;
  const { payer, cost } = entry;
  const total = totalOf(entry);
  const row = costRowOf(entry);
  return [
    closeHold(hold, { state: 'settled', settledAt: entry.settledAt }, tables, expiries),
    ...scopes.map((scope) => giveToScope(scope, hold, cost, tables, expiries)),
    {
      Put: {
        TableName,
        Item: { ...entryItem(entry, expiries.value), ...entryKey(payer.executionId, entryPosition(entry)) },
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    },
    {
      Update: {
        TableName,
        Key: totalKey(payer.executionId, total.path, total.attempt),
        UpdateExpression:
          'ADD #calls :calls, #cost :cost SET #path = :path, #attempt = :attempt, #forgetAt = :forgetAt',
        ExpressionAttributeNames: {
          '#calls': 'calls',
          '#cost': 'cost',
          '#path': 'path',
          '#attempt': 'attempt',
          '#forgetAt': FORGET_AT,
        },
        ExpressionAttributeValues: {
          ':calls': total.calls,
          ':cost': total.cost,
          ':path': total.path,
          ':attempt': total.attempt,
          ':forgetAt': expiries.value,
        },
      },
    },
    {
      Update: {
        TableName,
        Key: costKey(payer.tenant, row),
        UpdateExpression:
          'ADD #calls :calls, #cost :cost, #input :input, #output :output SET #row = if_not_exists(#row, :row), #forgetAt = :forgetAt',
        ExpressionAttributeNames: {
          '#calls': 'calls',
          '#cost': 'cost',
          '#input': 'inputTokens',
          '#output': 'outputTokens',
          '#row': 'row',
          '#forgetAt': FORGET_AT,
        },
        ExpressionAttributeValues: {
          ':calls': row.calls,
          ':cost': row.cost,
          ':input': row.inputTokens,
          ':output': row.outputTokens,
          ':row': storable({
            day: row.day,
            workflow: row.workflow,
            agent: row.agent,
            provider: row.provider,
            model: row.model,
          }),
          ':forgetAt': expiries.value,
        },
      },
    },
  ];
}

/** The first item is the hold; `scopes` come next, in their order. */
export function releaseItems(
  hold: Hold,
  scopes: readonly Scope[],
  tables: LedgerTables,
  expiries: Expiries,
): readonly TransactItem[] {
  return [
    closeHold(hold, { state: 'released' }, tables, expiries),
    ...scopes.map((scope) => giveToScope(scope, hold, ZERO_USD, tables, expiries)),
  ];
}

/** What a call costs is not known. The money stays held; the agent may have another call at the same time. */
export function unsettleItems(
  hold: Hold,
  reason: string,
  at: Date,
  scopes: readonly Scope[],
  { ledgerTable: TableName }: LedgerTables,
): readonly TransactItem[] {
  const listing = holdListing({ ...hold, state: 'unsettled' });
  const record = recordListing(hold, at.toISOString());
  return [
    {
      Update: {
        TableName,
        Key: holdKey(hold.payer.executionId, hold.holdId),
        UpdateExpression: `SET #state = :unsettled, #reason = :reason, holdList = :list, holdOrder = :order, #watched = :watched${record === undefined ? '' : ', recordList = :recordList, recordAt = :recordAt'}`,
        ConditionExpression: '#state = :open',
        ExpressionAttributeNames: { '#state': 'state', '#reason': 'reason', '#watched': WATCHED },
        ExpressionAttributeValues: {
          ':unsettled': 'unsettled',
          ':open': 'open',
          ':reason': storable(reason),
          ':list': listing?.holdList,
          ':order': listing?.holdOrder,
          ':watched': 'unsettled' satisfies Watched,
          ...(record === undefined ? {} : { ':recordList': record.recordList, ':recordAt': record.recordAt }),
        },
        ...TELL,
      },
    },
    ...scopes
      .filter((scope) => endsCall(scope, hold))
      .map(
        (scope): TransactItem => ({
          Update: {
            TableName,
            Key: scopeKey(scope),
            UpdateExpression: 'SET #calling = #calling - :one',
            ConditionExpression: 'attribute_exists(pk)',
            ExpressionAttributeNames: { '#calling': 'calling' },
            ExpressionAttributeValues: { ':one': 1 },
            ...TELL,
          },
        }),
      ),
  ];
}

/** Of the agent alone is counted how many calls run. */
export function endsCall(scope: Scope, hold: Hold): boolean {
  return scope.kind === 'agent' && hold.kind === 'call' && hold.state === 'open';
}

function closeHold(
  hold: Hold,
  end: { readonly state: 'settled'; readonly settledAt: string } | { readonly state: 'released' },
  { ledgerTable: TableName }: LedgerTables,
  expiries: Expiries,
): TransactItem {
  const settledAt = 'settledAt' in end ? end.settledAt : undefined;
  return {
    Update: {
      TableName,
      Key: holdKey(hold.payer.executionId, hold.holdId),
      UpdateExpression: `SET #state = :end, #forgetAt = :forgetAt${settledAt === undefined ? '' : ', #settledAt = :settledAt'} REMOVE holdList, holdOrder, recordList, recordAt, #watched`,
      ConditionExpression: '#state = :state',
      ExpressionAttributeNames: {
        '#state': 'state',
        '#forgetAt': FORGET_AT,
        '#watched': WATCHED,
        ...(settledAt === undefined ? {} : { '#settledAt': 'settledAt' }),
      },
      ExpressionAttributeValues: {
        ':end': end.state,
        ':state': hold.state,
        ':forgetAt': expiries.record,
        ...(settledAt === undefined ? {} : { ':settledAt': settledAt }),
      },
      ...TELL,
    },
  };
}

function giveToScope(
  scope: Scope,
  hold: Hold,
  cost: NanoUsd,
  { ledgerTable: TableName }: LedgerTables,
  expiries: Expiries,
): TransactItem {
  const ends = endsCall(scope, hold);
  return {
    Update: {
      TableName,
      Key: scopeKey(scope),
      UpdateExpression: `SET #remaining = #remaining + :unspent, #held = #held - :amount, #spent = #spent + :cost, #inflight = #inflight - :one, #forgetAt = :forgetAt${ends ? ', #calling = #calling - :one' : ''}`,
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeNames: {
        '#remaining': 'remaining',
        '#held': 'held',
        '#spent': 'spent',
        '#inflight': 'inflight',
        '#forgetAt': FORGET_AT,
        ...(ends ? { '#calling': 'calling' } : {}),
      },
      ExpressionAttributeValues: {
        ':unspent': minusUsd(hold.amount, cost),
        ':amount': hold.amount,
        ':cost': cost,
        ':one': 1,
        ':forgetAt': expiryOf(scope, expiries),
      },
      ...TELL,
    },
  };
}
