import type { WfloEvent } from '../audit/events.ts';
import type { Json } from '../json.ts';
import type { Page } from '../ports.ts';
import type {
  AttemptTotal,
  CostRow,
  ExecutionBudget,
  Hold,
  HoldRequest,
  LedgerEntry,
  ReserveResult,
  Scope,
  ScopeState,
  Settlement,
  SettleResult,
  WindowLimits,
} from './ledger.ts';
import type { NanoUsd } from './money.ts';
import type { ModelPrice } from './price-book.ts';
import type { Usage } from './usage.ts';

/**
 * Reserve before, settle after. Every method is idempotent by the ids that it is given. Conflicts between transactions
 * are retried inside for 2 seconds, then `ledger_busy`; a store that does not answer is `ledger_unreachable`.
 */
export interface Ledger {
  /** One transaction over all scopes, or nothing. One round trip, but for the first hold of a scope's period. */
  reserve(request: HoldRequest): Promise<ReserveResult>;
  /** `open` or `unsettled` becomes `settled`, in every scope that the hold stored. */
  settle(settlement: Settlement): Promise<SettleResult>;
  /** Nothing was charged: the hold goes back whole. False where it was not open any more. */
  release(executionId: string, holdId: string): Promise<boolean>;
  /** What it cost is not known: it stays held in full. False where it was not open any more. */
  unsettle(executionId: string, holdId: string, reason: string): Promise<boolean>;
  /** A call that still streams. False where the hold is not open any more. */
  renew(executionId: string, holdId: string, expiresAt: string): Promise<boolean>;
  getHold(executionId: string, holdId: string): Promise<Hold | undefined>;
  /** Open and unsettled holds of an execution. */
  listHolds(executionId: string): Promise<readonly Hold[]>;
  /** Open call holds whose `expiresAt` is before `now`, oldest first. Eventually consistent. */
  expiredHolds(now: Date, limit: number): Promise<readonly Hold[]>;
  /** Unsettled holds with a record at their provider (`hasRecord`) that are due to be looked up, the longest due first. Eventually consistent. */
  holdsToLookUp(now: Date, limit: number): Promise<readonly Hold[]>;
  /** When an unsettled hold is looked up again; absent: never. False where it is not unsettled any more. */
  lookUpAgain(executionId: string, holdId: string, at?: string): Promise<boolean>;
  /** Unsettled holds of a tenant, oldest first. Eventually consistent. */
  unsettledHolds(tenant: string, query: { readonly limit: number; readonly cursor?: string }): Promise<Page<Hold>>;
}

/** Limits, and what was spent. All reads of single items are strongly consistent. */
export interface Budgets {
  /** Makes the scopes of an execution, once; its workflow's windows get these limits from now on. */
  openExecution(budget: ExecutionBudget): Promise<void>;
  /** Adds to the limit of an execution (or one of its agents). Throws `unknown_execution`, or `invalid_budget` where there is no limit. `raiseId` makes it idempotent. */
  raise(raise: {
    readonly executionId: string;
    readonly agent?: string;
    readonly by: NanoUsd;
    readonly raiseId: string;
  }): Promise<ScopeState>;
  /** For the current and all later windows; what was spent stays spent. */
  setTenantLimits(tenant: string, limits: WindowLimits): Promise<void>;
  getTenantLimits(tenant: string): Promise<WindowLimits>;
  getScope(scope: Scope): Promise<ScopeState | undefined>;
  /** The execution and its agents. */
  listScopes(executionId: string): Promise<readonly ScopeState[]>;
  /** Of several executions at once (100 at most), by id; those without a scope are missing. Eventually consistent. */
  executionScopes(executionIds: readonly string[]): Promise<ReadonlyMap<string, ScopeState>>;
  attemptTotals(executionId: string): Promise<readonly AttemptTotal[]>;
  /** In the order of settlement. */
  listEntries(
    executionId: string,
    query: { readonly limit: number; readonly cursor?: string },
  ): Promise<Page<LedgerEntry>>;
  /** By days (UTC), both included. */
  listCosts(tenant: string, days: { readonly from: string; readonly to: string }): Promise<readonly CostRow[]>;
}

/**
 * What a provider itself has recorded of a call. That nothing is recorded says nothing: records come late, or not at all.
 * So that a call was not charged is known by no silence, only by a sum in which it cannot be (`at_most` 0).
 */
export interface ProviderRecords {
  /** `unclear`: there is a record that does not tell surely what this call used. Undefined: there is none (yet). */
  usageOf(hold: Hold, price: ModelPrice): Promise<RecordedUsage | undefined>;
}

export type RecordedUsage =
  /** `raw`: the provider's own words, at most 4 KiB. */
  | { readonly kind: 'used'; readonly usage: Usage; readonly raw: Json }
  /** Where calls are recorded in sums alone: what this one cost at most, which is no more than was held. */
  | { readonly kind: 'at_most'; readonly cost: NanoUsd; readonly raw: Json }
  /** Nothing can be said before. */
  | { readonly kind: 'later'; readonly at: string }
  | { readonly kind: 'unclear'; readonly reason: string };

/** Things that are told once, however often they are noticed. */
export interface Announcements {
  /** `chainId`: an execution id, or `tenant:<tenant>`. Marker and events in one transaction; false, with nothing written, where the marker was there. */
  announceOnce(marker: string, chainId: string, events: readonly WfloEvent[]): Promise<boolean>;
}
