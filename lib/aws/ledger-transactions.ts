import type { Hold, HoldRequest, LedgerEntry, OwnScope, Scope, WindowScope } from '../budget/ledger.ts';
import { costRowOf, totalOf } from '../budget/ledger-rules.ts';
import { minusUsd, type NanoUsd, ZERO_USD } from '../budget/money.ts';
import { minuteOf } from '../budget/windows.ts';
import { FORGET_AT } from './expiry.ts';
import type { Counting } from './ledger-counting.ts';
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
import { countInWindows, windowsByItem } from './ledger-windows.ts';
import { leaseKey } from './state-keys.ts';
import { storable } from './storable.ts';
import type { TransactItem } from './tenant-chain-item.ts';

/** The writes of the ledger. What is calculated here is `lib/budget/ledger-rules.ts` in DynamoDB's words. */

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

/** One transaction, or a part of one: items of this write alone, and changes that others may make to the same items. */
export interface LedgerWrite<Part extends Counting = Counting> {
  readonly items: readonly TransactItem[];
  readonly countings: readonly Part[];
}

/** A change with what it stands for, so that a refusal can be told from it. */
export type Counted = Counting & { readonly of: CountedPart };

export type CountedPart =
  | { readonly part: 'lease' }
  | { readonly part: 'scope'; readonly scope: OwnScope }
  | { readonly part: 'windows'; readonly scopes: readonly WindowScope[] }
  | { readonly part: 'minute' }
  | { readonly part: 'total' };

/** Every failed condition tells what was there. */
const TELL = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;

export function reserveWrite(
  request: HoldRequest,
  hold: Hold,
  at: Date,
  tables: LedgerTables,
  expiries: Expiries,
): LedgerWrite<Counted> {
  const { payer, leaseEpoch, rate = {}, tokens = 0 } = request;
  const { ledgerTable: table, stateTable } = tables;
  const { amount } = hold;
  const isCall = request.kind === 'call';
  const withAgent = hold.scopes.some(({ kind }) => kind === 'agent');
  const counts = scopeCounts(hold.scopes, table, expiries, {
    change: { remaining: -amount, held: amount, inflight: 1 },
    takes: amount,
    execution: withAgent ? {} : { lacks: { limitedAgents: [payer.agent] } },
    agent: isCall
      ? {
          add: { calling: 1 },
          ...(rate.concurrent === undefined ? {} : { counts: { calling: { more: 1, most: rate.concurrent } } }),
        }
      : {},
  });
  const lease: Counted = {
    of: { part: 'lease' },
    table: stateTable,
    key: leaseKey(payer.executionId, payer.path, payer.attempt),
    add: {},
    // No lease has the epoch 0: a call that names none is fenced.
    says: { status: 'claimed', epoch: leaseEpoch ?? 0 },
  };
  const bounds = {
    ...(rate.requestsPerMinute === undefined ? {} : { requests: { more: 1, most: rate.requestsPerMinute } }),
    ...(rate.tokensPerMinute === undefined ? {} : { tokens: { more: tokens, most: rate.tokensPerMinute } }),
  };
  const minute: Counted = {
    of: { part: 'minute' },
    table,
    key: minuteKey(payer.executionId, payer.agent, minuteOf(at)),
    add: { requests: 1, tokens },
    set: { [FORGET_AT]: expiries.minute },
    counts: bounds,
  };
  return {
    items: [
      { Put: { TableName: table, Item: holdItem(hold), ConditionExpression: 'attribute_not_exists(pk)', ...TELL } },
    ],
    countings: [...(isCall ? [lease] : []), ...counts, ...(isCall && Object.keys(bounds).length > 0 ? [minute] : [])],
  };
}

/** What is changed in one scope beside the money. */
type OwnChange = Pick<Counting, 'counts' | 'lacks'> & { readonly add?: Counting['add'] };

interface ScopeChange {
  readonly change: {
    readonly remaining: number;
    readonly held: number;
    readonly spent?: number;
    readonly inflight: number;
  };
  readonly takes?: NanoUsd;
  readonly execution?: OwnChange;
  /** Of the agent alone: how many of its calls run. */
  readonly agent: OwnChange;
}

/**
 * The same change in all scopes. A window is changed together with the other windows of its workflow or tenant. They
 * expire from when something was given back: a hold that is open has no need of it, and its end comes to that.
 */
function scopeCounts(
  scopes: readonly Scope[],
  table: string,
  expiries: Expiries,
  { change, takes, execution, agent }: ScopeChange,
): readonly Counted[] {
  const own = scopes.filter((scope): scope is OwnScope => 'executionId' in scope);
  return [
    ...own.map((scope): Counted => {
      const { add = {}, ...rest }: OwnChange = scope.kind === 'agent' ? agent : (execution ?? {});
      return {
        of: { part: 'scope', scope },
        table,
        key: scopeKey(scope),
        exists: true,
        add: { ...change, ...add },
        ...(takes === undefined
          ? { set: { [FORGET_AT]: expiries.record } }
          : { takes: { remaining: { limit: 'limit', amount: takes } } }),
        ...rest,
      };
    }),
    ...windowsByItem(scopes).map(
      (windows): Counted => ({
        of: { part: 'windows', scopes: windows },
        ...countInWindows(windows, table, change, takes, takes === undefined ? { [FORGET_AT]: expiries.value } : {}),
      }),
    ),
  ];
}

/** The first item is the hold. */
export function settleWrite(
  hold: Hold,
  entry: LedgerEntry,
  scopes: readonly Scope[],
  { ledgerTable: table }: LedgerTables,
  expiries: Expiries,
): LedgerWrite<Counted> {
  const { payer } = entry;
  const { path, attempt, ...total } = totalOf(entry);
  const { calls, cost, inputTokens, outputTokens, ...kind } = costRowOf(entry);
  const of = { part: 'total' } as const;
  const set = { [FORGET_AT]: expiries.value };
  return {
    items: [
      closeHold(hold, { state: 'settled', settledAt: entry.settledAt }, table, expiries),
      {
        Put: {
          TableName: table,
          Item: { ...entryItem(entry, expiries.value), ...entryKey(payer.executionId, entryPosition(entry)) },
          ConditionExpression: 'attribute_not_exists(pk)',
        },
      },
    ],
    countings: [
      ...giveBack(hold, entry.cost, scopes, table, expiries),
      {
        of,
        table,
        key: totalKey(payer.executionId, path, attempt),
        add: total,
        set: { ...set, path, attempt },
      },
      {
        of,
        table,
        key: costKey(payer.tenant, kind),
        add: { calls, cost, inputTokens, outputTokens },
        set,
        first: { row: kind },
      },
    ],
  };
}

/** The first item is the hold. */
export function releaseWrite(
  hold: Hold,
  scopes: readonly Scope[],
  { ledgerTable: table }: LedgerTables,
  expiries: Expiries,
): LedgerWrite<Counted> {
  return {
    items: [closeHold(hold, { state: 'released' }, table, expiries)],
    countings: giveBack(hold, ZERO_USD, scopes, table, expiries),
  };
}

/** What a call costs is not known. The money stays held; the agent may have another call at the same time. */
export function unsettleWrite(
  hold: Hold,
  reason: string,
  at: Date,
  scopes: readonly Scope[],
  { ledgerTable: table }: LedgerTables,
): LedgerWrite<Counted> {
  const listing = holdListing({ ...hold, state: 'unsettled' });
  const record = recordListing(hold, at.toISOString());
  return {
    items: [
      {
        Update: {
          TableName: table,
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
    ],
    countings: scopes.flatMap((scope): readonly Counted[] =>
      scope.kind === 'agent' && endsCall(hold)
        ? [{ of: { part: 'scope', scope }, table, key: scopeKey(scope), exists: true, add: { calling: -1 } }]
        : [],
    ),
  };
}

/** Of the agent is counted how many calls run: an unsettled one has ended before. */
function endsCall({ kind, state }: Hold): boolean {
  return kind === 'call' && state === 'open';
}

function closeHold(
  hold: Hold,
  end: { readonly state: 'settled'; readonly settledAt: string } | { readonly state: 'released' },
  TableName: string,
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

function giveBack(
  hold: Hold,
  cost: NanoUsd,
  scopes: readonly Scope[],
  table: string,
  expiries: Expiries,
): readonly Counted[] {
  const { amount } = hold;
  return scopeCounts(scopes, table, expiries, {
    change: { remaining: minusUsd(amount, cost), held: -amount, spent: cost, inflight: -1 },
    agent: endsCall(hold) ? { add: { calling: -1 } } : {},
  });
}
