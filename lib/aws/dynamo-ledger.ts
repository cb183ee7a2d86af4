import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import {
  computeHoldId,
  type Hold,
  type HoldRequest,
  type LedgerEntry,
  type OwnScope,
  type Payer,
  type ReserveResult,
  type Scope,
  type ScopeState,
  type WindowScope,
} from '../budget/ledger.ts';
import { entryOf, holdOf, type Pace, rateBroken, refusalOf } from '../budget/ledger-rules.ts';
import { type NanoUsd, ZERO_USD } from '../budget/money.ts';
import type { Clock, Ids, Ledger } from '../ports.ts';
import { documentClient, type Item } from './document-client.ts';
import { recordExpiry, valueExpiry } from './expiry.ts';
import { holdLists } from './ledger-hold-lists.ts';
import { lookUpAgain, renewHold } from './ledger-hold-updates.ts';
import { entryOfItem, holdOfItem, scopeStateOf } from './ledger-items.ts';
import { entryKey, entryPosition, holdKey } from './ledger-keys.ts';
import { ledgerLanes } from './ledger-lanes.ts';
import { openAgent, openWindows } from './ledger-limits.ts';
import {
  type Counted,
  type CountedPart,
  type Expiries,
  type LedgerWrite,
  releaseWrite,
  reserveWrite,
  settleWrite,
  unsettleWrite,
} from './ledger-transactions.ts';
import { windowState } from './ledger-windows.ts';
import { type Failed, ledgerBusy, throughLedger, turns } from './ledger-writes.ts';
import type { RetryOptions } from './retry-conflicts.ts';
import type { ItemKey } from './state-keys.ts';

export interface DynamoLedgerOptions {
  readonly client: DynamoDBClient;
  readonly ledgerTable: string;
  /** Of the leases. */
  readonly stateTable: string;
  readonly ids: Ids;
  readonly clock: Clock;
  readonly retentionDays: number;
  readonly retry?: RetryOptions;
}

/** Holds of which the settlement needs to read nothing: those that were reserved here. */
const REMEMBERED_HOLDS = 10_000;

/** The minute counts are of no use after their minute; a day is for whoever looks for why a call was refused. */
const MINUTE_SECONDS = 24 * 60 * 60;

/**
 * Scopes, holds and entries in the Ledger table. A reserve is one transaction, and so is a settlement: it reads the hold
 * only where another process reserved it. Those of a tenant that come at the same time share one. What was refused is
 * told from the items that the refusing transaction saw.
 */
export function dynamoLedger(options: DynamoLedgerOptions): Ledger {
  const client = documentClient(options.client);
  const { ledgerTable: TableName, clock, ids, retry } = options;
  const remembered = new Map<string, Hold>();
  const write = ledgerLanes(client, ids, retry);

  async function getItem(key: ItemKey): Promise<Item | undefined> {
    return (await client.send(new GetCommand({ TableName, Key: key, ConsistentRead: true }))).Item;
  }

  async function readHold(executionId: string, holdId: string): Promise<Hold | undefined> {
    const item = await getItem(holdKey(executionId, holdId));
    return item === undefined ? undefined : holdOfItem(item);
  }

  /** What the task that asks holds for itself. */
  async function heldForTask(payer: Payer): Promise<NanoUsd> {
    const hold = await readHold(payer.executionId, computeHoldId(payer));
    return hold?.state === 'open' ? hold.amount : ZERO_USD;
  }

  function expiries(): Expiries {
    return {
      record: recordExpiry(options),
      value: valueExpiry(options),
      minute: Math.floor(clock.now().getTime() / 1000) + MINUTE_SECONDS,
    };
  }

  function remember(hold: Hold): void {
    const [oldest] = remembered.keys();
    if (remembered.size >= REMEMBERED_HOLDS && oldest !== undefined) remembered.delete(oldest);
    remembered.set(nameOf(hold), hold);
  }

  async function reserve(request: HoldRequest): Promise<ReserveResult> {
    for (const _ of turns()) {
      const at = clock.now();
      const hold = holdOf(request, at);
      const reserving = reserveWrite(request, hold, at, options, expiries());
      const failed = await write(hold.payer.tenant, reserving);
      if (failed === undefined) {
        remember(hold);
        return { kind: 'held', hold };
      }
      const result = await whyNot(request, at, failuresOf(reserving, failed));
      if (result !== undefined) return result;
    }
    throw ledgerBusy();
  }

  /** Undefined where nothing refuses, so that it is to be tried again: a scope had to be opened first, or changed since. */
  async function whyNot(
    request: HoldRequest,
    at: Date,
    failures: readonly CountedFailure[],
  ): Promise<ReserveResult | undefined> {
    const { payer, holdId, amount, rate = {}, tokens = 0 } = request;
    // A repeat whose own hold is what leaves too little: whether its condition was looked at as well is not documented.
    const before = await readHold(payer.executionId, holdId);
    if (before !== undefined) return { kind: 'held', hold: before };
    if (failures.some(({ of }) => of.part === 'lease')) return { kind: 'fenced' };

    const states: ScopeState[] = [];
    const missing: (OwnScope | readonly WindowScope[])[] = [];
    let pace: Pace = { calling: 0, requests: 0, tokens: 0 };
    for (const { of, item } of failures) {
      if (of.part === 'scope') {
        if (item === undefined) missing.push(of.scope);
        else {
          states.push(scopeStateOf(item));
          if (of.scope.kind === 'agent') pace = { ...pace, calling: Number(item.calling ?? 0) };
        }
      }
      if (of.part === 'windows') {
        const found = of.scopes.map((scope) => windowState(item, scope));
        if (found.includes(undefined)) missing.push(of.scopes);
        states.push(...found.filter((state) => state !== undefined));
      }
      if (of.part === 'minute') {
        pace = { ...pace, requests: Number(item?.requests ?? 0), tokens: Number(item?.tokens ?? 0) };
      }
    }
    const refused = states.length > 0 && request.kind === 'call';
    const refusal = refusalOf(states, amount, refused ? await heldForTask(payer) : ZERO_USD);
    if (refusal !== undefined) return { kind: 'refused', refusal };
    if (missing.length > 0) {
      await Promise.all(
        missing.map((scope) =>
          'kind' in scope
            ? openAgent(client, scope, options, expiries())
            : openWindows(client, scope, options, expiries()),
        ),
      );
      return undefined;
    }
    const limited = request.kind === 'call' ? rateBroken(rate, pace, tokens, at) : undefined;
    return limited === undefined ? undefined : { kind: 'limited', ...limited };
  }

  /**
   * Ends or changes a hold that is in one of these states. Undefined where it is in another one, which is then told by
   * `found`, or where there is no hold.
   */
  async function change(
    executionId: string,
    holdId: string,
    states: readonly Hold['state'][],
    writeOf: (hold: Hold, scopes: readonly Scope[]) => LedgerWrite<Counted>,
  ): Promise<{ readonly changed: boolean; readonly hold: Hold | undefined }> {
    let hold = remembered.get(nameOf({ payer: { executionId }, holdId })) ?? (await readHold(executionId, holdId));
    let gone: readonly Scope[] = [];
    for (const _ of turns()) {
      if (hold === undefined || !states.includes(hold.state)) return { changed: false, hold };
      const scopes = hold.scopes.filter((scope) => !gone.includes(scope));
      const ending = writeOf(hold, scopes);
      const failed = await write(hold.payer.tenant, ending);
      if (failed === undefined) {
        remembered.delete(nameOf(hold));
        return { changed: true, hold };
      }
      if (failed[0] !== undefined) {
        remembered.delete(nameOf(hold));
        hold = await readHold(executionId, holdId);
        gone = [];
        continue;
      }
      // Scopes that expired, or windows whose place was taken, before somebody settled what was held in them: nobody can
      // reserve there any more.
      gone = [...gone, ...failuresOf(ending, failed).flatMap(goneScopes)];
    }
    throw ledgerBusy();
  }

  async function entryOfHold(executionId: string, holdId: string): Promise<LedgerEntry | undefined> {
    const settledAt = (await getItem(holdKey(executionId, holdId)))?.settledAt;
    if (typeof settledAt !== 'string') return undefined;
    const item = await getItem(entryKey(executionId, entryPosition({ settledAt, holdId })));
    return item === undefined ? undefined : entryOfItem(item);
  }

  return {
    reserve: (request) => throughLedger(() => reserve(request)),

    settle: (settlement) =>
      throughLedger(async () => {
        const { executionId, holdId } = settlement;
        let entry: LedgerEntry | undefined;
        const { changed, hold } = await change(executionId, holdId, ['open', 'unsettled'], (stored, scopes) => {
          entry = entryOf(stored, settlement, clock.now());
          return settleWrite(stored, entry, scopes, options, expiries());
        });
        if (hold === undefined) return { kind: 'unknown' };
        if (changed && entry !== undefined) return { kind: 'settled', entry };
        const before = await entryOfHold(executionId, holdId);
        return { kind: 'already', ...(before === undefined ? {} : { entry: before }) };
      }),

    release: (executionId, holdId) =>
      throughLedger(async () => {
        const { changed } = await change(executionId, holdId, ['open'], (hold, scopes) =>
          releaseWrite(hold, scopes, options, expiries()),
        );
        return changed;
      }),

    unsettle: (executionId, holdId, reason) =>
      throughLedger(async () => {
        const { changed } = await change(executionId, holdId, ['open'], (hold, scopes) =>
          unsettleWrite(hold, reason, clock.now(), scopes, options),
        );
        return changed;
      }),

    renew: (executionId, holdId, expiresAt) =>
      throughLedger(() => renewHold(client, TableName, executionId, holdId, expiresAt, retry)),

    getHold: (executionId, holdId) => throughLedger(() => readHold(executionId, holdId)),

    lookUpAgain: (executionId, holdId, at) =>
      throughLedger(() => lookUpAgain(client, TableName, executionId, holdId, at, retry)),

    ...holdLists(client, TableName),
  };
}

interface CountedFailure extends Failed {
  readonly of: CountedPart;
}

/** The changes of which the condition failed, each with the item that was there. */
function failuresOf(
  { items, countings }: LedgerWrite<Counted>,
  failed: readonly (Failed | undefined)[],
): readonly CountedFailure[] {
  return countings.flatMap(({ of }, index) => {
    const failure = failed[items.length + index];
    return failure === undefined ? [] : [{ of, item: failure.item }];
  });
}

function goneScopes({ of, item }: CountedFailure): readonly Scope[] {
  if (of.part === 'scope') return item === undefined ? [of.scope] : [];
  return of.part === 'windows' ? of.scopes.filter((scope) => windowState(item, scope) === undefined) : [];
}

function nameOf({
  payer,
  holdId,
}: {
  readonly payer: { readonly executionId: string };
  readonly holdId: string;
}): string {
  return `${payer.executionId} ${holdId}`;
}
