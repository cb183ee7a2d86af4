import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Hold, LedgerEntry, OwnScope, ScopeState } from '../budget/ledger.ts';
import { scopesOf } from '../budget/ledger-rules.ts';
import type { Item } from './document-client.ts';
import { FORGET_AT } from './expiry.ts';
import { holdKey, holdListing, scopeKey } from './ledger-keys.ts';
import { storable } from './storable.ts';

/**
 * What the consumer of the stream has to see, by the attribute that the filter of its mapping reads: scopes and windows
 * with alerts, entries, and holds that became unsettled.
 */
export const WATCHED = 'watched';
export const WATCHED_KINDS = ['scope', 'windows', 'entry', 'unsettled'] as const;
export type Watched = (typeof WATCHED_KINDS)[number];

const OURS = [
  'pk',
  'sk',
  'holdList',
  'holdOrder',
  'recordList',
  'recordAt',
  'calling',
  'limitedAgents',
  'withAgent',
  'settledAt',
  WATCHED,
  FORGET_AT,
];

/**
 * A scope as it is stored. `calling` counts the open holds of calls, where an agent may have a limit of them. An execution
 * names its agents that have limits of their own, so that a call of another one need not look for one.
 */
export function scopeItem(state: ScopeState<OwnScope>, forgetAt: number, limitedAgents: readonly string[] = []): Item {
  return {
    ...storable(state),
    ...(state.scope.kind === 'agent' ? { calling: 0 } : { limitedAgents }),
    ...(isWatched(state) ? { [WATCHED]: 'scope' satisfies Watched } : {}),
    [FORGET_AT]: forgetAt,
    ...scopeKey(state.scope),
  };
}

/** Only where somebody wants to be told. */
export function isWatched({ limit, alertsAt = [] }: Pick<ScopeState, 'limit' | 'alertsAt'>): boolean {
  return limit !== undefined && alertsAt.length > 0;
}

/** Whether an agent has a limit of its own, by the item of its execution. Those of versions before do not tell: it may. */
export function mayHaveLimit(item: Item, agent: string): boolean {
  const { limitedAgents } = item;
  return !Array.isArray(limitedAgents) || limitedAgents.includes(agent);
}

export function scopeStateOf(item: Item): ScopeState<OwnScope> {
  return withoutOurs(item) as unknown as ScopeState<OwnScope>;
}

/** Without its scopes: who pays and when it was made tell them, and they are more than all the rest. */
export function holdItem({ scopes, ...hold }: Hold): Item {
  const withAgent = scopes.some(({ kind }) => kind === 'agent');
  return { ...storable(hold), withAgent, ...holdListing(hold), ...holdKey(hold.payer.executionId, hold.holdId) };
}

export function holdOfItem(item: Item): Hold {
  const { scopes, ...hold } = withoutOurs(item) as unknown as Omit<Hold, 'scopes'> & Partial<Pick<Hold, 'scopes'>>;
  // A version before stored them, and took the money from windows that are items no more: it is not given back to others.
  const own = scopes?.filter((scope) => !('window' in scope));
  return { ...hold, scopes: own ?? scopesOf(hold.payer, new Date(hold.createdAt), item.withAgent !== false) };
}

/** The words of the provider are kept as text: their numbers and their depth are not bounded by what DynamoDB takes. */
export function entryItem({ raw, ...entry }: LedgerEntry, forgetAt: number): Item {
  return {
    ...storable(entry),
    ...(raw === undefined ? {} : { raw: JSON.stringify(raw) }),
    [WATCHED]: 'entry' satisfies Watched,
    [FORGET_AT]: forgetAt,
  };
}

export function entryOfItem(item: Item): LedgerEntry {
  const { pk, sk, [WATCHED]: _watched, [FORGET_AT]: _forgetAt, raw, ...entry } = item;
  return { ...entry, ...(typeof raw === 'string' ? { raw: JSON.parse(raw) } : {}) } as unknown as LedgerEntry;
}

/** An item as a cancelled transaction tells it: the document client does not convert those. */
export function plainItem(attributes: { readonly [name: string]: AttributeValue }): Item {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, plainValue(value)]));
}

function plainValue(value: AttributeValue): unknown {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return Number(value.N);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.NULL !== undefined) return null;
  if (value.L !== undefined) return value.L.map(plainValue);
  if (value.M !== undefined) return plainItem(value.M);
  throw new TypeError(`the ledger has an attribute of the type ${Object.keys(value).join(', ')}`);
}

function withoutOurs(item: Item): Item {
  return Object.fromEntries(Object.entries(item).filter(([name]) => !OURS.includes(name)));
}
