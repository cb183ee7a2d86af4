import { createHash } from 'node:crypto';
import { type CostRow, type Hold, hasRecord, type OwnScope } from '../budget/ledger.ts';
import { type ItemKey, partitionOf, tenantWorkflow } from './state-keys.ts';
import { OPEN_HOLD_SHARDS } from './table-schemas.ts';

/** Keys of the Ledger table. Names of agents, paths, tenants and workflows have no `#` in them. */

export const SCOPE_PREFIX = 'SCOPE#';
export const HOLD_PREFIX = 'HOLD#';
export const TOTAL_PREFIX = 'TOTAL#';
export const ENTRY_PREFIX = 'ENTRY#';

export function scopeKey(scope: OwnScope): ItemKey {
  const sk = scope.kind === 'execution' ? `${SCOPE_PREFIX}execution` : `${SCOPE_PREFIX}agent#${scope.agent}`;
  return { pk: partitionOf(scope.executionId), sk };
}

/** Whose windows have limits in common. */
export type Budgeted =
  | { readonly kind: 'workflow'; readonly tenant: string; readonly workflow: string }
  | { readonly kind: 'tenant'; readonly tenant: string };

export function limitsKey(budgeted: Budgeted): ItemKey {
  return { pk: budgetPartition(budgeted), sk: 'LIMITS' };
}

/** All windows of a workflow or a tenant. */
export function windowsKey(budgeted: Budgeted): ItemKey {
  return { pk: budgetPartition(budgeted), sk: 'WINDOWS' };
}

function budgetPartition(budgeted: Budgeted): string {
  return budgeted.kind === 'tenant'
    ? `TENANT#${budgeted.tenant}`
    : `WORKFLOW#${tenantWorkflow(budgeted.tenant, budgeted.workflow)}`;
}

export function holdKey(executionId: string, holdId: string): ItemKey {
  return { pk: partitionOf(executionId), sk: `${HOLD_PREFIX}${holdId}` };
}

/** Where an entry stands among those of its execution: by settlement, and unique. */
export function entryPosition(entry: { readonly settledAt: string; readonly holdId: string }): string {
  return `${entry.settledAt}#${entry.holdId}`;
}

export function entryKey(executionId: string, position: string): ItemKey {
  return { pk: partitionOf(executionId), sk: `${ENTRY_PREFIX}${position}` };
}

export function totalKey(executionId: string, path: string, attempt: number): ItemKey {
  return { pk: partitionOf(executionId), sk: `${TOTAL_PREFIX}${path}#${String(attempt).padStart(4, '0')}` };
}

/** What an agent asked for in one minute. */
export function minuteKey(executionId: string, agent: string, minute: string): ItemKey {
  return { pk: partitionOf(executionId), sk: `MINUTE#${agent}#${minute}` };
}

export function raiseKey(executionId: string, raiseId: string): ItemKey {
  return { pk: partitionOf(executionId), sk: `RAISE#${raiseId}` };
}

export function costsPartition(tenant: string, day: string): string {
  return `COSTS#${tenant}#${day}`;
}

/** What the costs of a day are told apart by. */
export type CostKind = Pick<CostRow, 'day' | 'workflow' | 'agent' | 'provider' | 'model'>;

export function costKey(tenant: string, { day, workflow, agent, provider, model }: CostKind): ItemKey {
  return { pk: costsPartition(tenant, day), sk: [workflow, agent, provider, model].join('#') };
}

export function markerKey(marker: string): ItemKey {
  return { pk: `ALERT#${marker}`, sk: 'ALERT' };
}

/** Partitions of `byHold` with the open holds of calls. */
export const OPEN_HOLD_LISTS: readonly string[] = Array.from(
  { length: OPEN_HOLD_SHARDS },
  (_, shard) => `OPEN#${shard}`,
);

export function unsettledList(tenant: string): string {
  return `UNSETTLED#${tenant}`;
}

/** Where a hold stands among the unsettled ones of its tenant. */
export function holdPosition({ createdAt, payer, holdId }: Omit<Hold, 'scopes'>): string {
  return `${createdAt}#${payer.executionId}#${holdId}`;
}

/** In `byHold` as long as somebody has to look at it: an open hold of a call until it expires, an unsettled one. */
export function holdListing(
  hold: Omit<Hold, 'scopes'>,
): { readonly holdList: string; readonly holdOrder: string } | undefined {
  if (hold.state === 'unsettled') return { holdList: unsettledList(hold.payer.tenant), holdOrder: holdPosition(hold) };
  if (hold.state === 'open' && hold.expiresAt !== undefined) {
    return { holdList: openHoldList(hold), holdOrder: hold.expiresAt };
  }
  return undefined;
}

/** In `byRecord` while it is unsettled: to be looked up from `at` on. */
export function recordListing(
  hold: Hold,
  at: string,
): { readonly recordList: string; readonly recordAt: string } | undefined {
  return hasRecord(hold) ? { recordList: RECORD_LIST, recordAt: at } : undefined;
}

/** One partition: few holds become unsettled. */
export const RECORD_LIST = 'RECORDS';

function openHoldList({ payer, holdId }: Pick<Hold, 'payer' | 'holdId'>): string {
  const [first = 0] = createHash('sha256').update(`${payer.executionId}#${holdId}`).digest();
  return `OPEN#${first % OPEN_HOLD_SHARDS}`;
}
