import type { Json } from '../json.ts';
import type { NanoUsd } from './money.ts';
import type { Usage } from './usage.ts';

/**
 * The words of the ledger. A *scope* is what a budget limits; a *hold* is money reserved in every scope that it
 * touches; to *settle* turns a hold into what was spent; an *entry* is the record of that, never changed.
 * In every scope, always: `remaining = (limit or 0) - spent - held`. Under a limit, `remaining` is never below zero,
 * but for a settlement above its hold, which is counted and alarmed.
 */

/** Who pays, and for what: from the stored lease, never from what a caller says. */
export interface Payer {
  readonly tenant: string;
  readonly workflow: string;
  readonly executionId: string;
  readonly path: string;
  readonly attempt: number;
  /** The step's `agent`, else its path. */
  readonly agent: string;
}

export type Window = 'day' | 'month';

/** A budget's subject. Windows are of UTC days (`2026-11-26`) and months (`2026-11`). */
export type Scope =
  | { readonly kind: 'execution'; readonly executionId: string }
  | { readonly kind: 'agent'; readonly executionId: string; readonly agent: string }
  | {
      readonly kind: 'workflow';
      readonly tenant: string;
      readonly workflow: string;
      readonly window: Window;
      readonly period: string;
    }
  | { readonly kind: 'tenant'; readonly tenant: string; readonly window: Window; readonly period: string };

/** Scopes that end with their execution, and those that end with their day or month. */
export type OwnScope = Extract<Scope, { readonly executionId: string }>;
export type WindowScope = Extract<Scope, { readonly window: Window }>;

/** One scope as it is stored. Money is whole nano-USD. */
export interface ScopeState<Of extends Scope = Scope> {
  readonly scope: Of;
  /** Absent: counted, but not limited. */
  readonly limit?: NanoUsd;
  readonly remaining: NanoUsd;
  readonly held: NanoUsd;
  readonly spent: NanoUsd;
  /** Holds that are open, `unsettled` ones included. */
  readonly inflight: number;
  /** Shares of the limit at which an alert goes out, in thousandths, rising. */
  readonly alertsAt?: readonly number[];
}

/** What a call or a task reserves money for. */
export interface Purpose {
  /** `openai` … for a call, `fargate` for compute. */
  readonly provider: string;
  /** The model, or the size of the task such as `X86_64 0.25 vCPU 512 MiB`. */
  readonly model: string;
  /** Hash of the price book that the worst case was calculated by. */
  readonly priceBook: string;
}

/** The hold for the task of an attempt: one for each, so that whoever asks again finds it. */
export function computeHoldId({ path, attempt }: Pick<Payer, 'path' | 'attempt'>): string {
  return `compute:${path}:${attempt}`;
}

/** The provider keeps a record of each single call that can be read later: what an unsettled hold cost may be in it. */
export function hasRecord({ kind, purpose }: Pick<Hold, 'kind' | 'purpose'>): boolean {
  return kind === 'call' && purpose.provider === 'bedrock';
}

export type HoldState = 'open' | 'unsettled' | 'settled' | 'released';

export interface Hold {
  /** Unique in the execution: a ULID for a call, `compute:<path>:<attempt>` for the task of an attempt. */
  readonly holdId: string;
  readonly kind: 'call' | 'compute';
  readonly payer: Payer;
  readonly purpose: Purpose;
  readonly amount: NanoUsd;
  /** Every scope that it was taken from, with the periods of that moment: midnight moves nothing. */
  readonly scopes: readonly Scope[];
  readonly state: HoldState;
  readonly createdAt: string;
  /** A call hold that nobody renewed becomes `unsettled` after this. Absent for compute, which ends with its attempt. */
  readonly expiresAt?: string;
  /** Why nobody knows what it cost (`unsettled`). */
  readonly reason?: string;
}

/** The append-only record of one settled hold. */
export interface LedgerEntry {
  readonly holdId: string;
  readonly kind: Hold['kind'];
  readonly payer: Payer;
  readonly purpose: Purpose;
  /** What was reserved, and what it cost. */
  readonly held: NanoUsd;
  readonly cost: NanoUsd;
  /** `estimated`: from what was seen of a broken stream. `reconciled`: by the provider's own records. `person`: decided. */
  readonly source: 'reported' | 'estimated' | 'reconciled' | 'person';
  readonly usage?: Usage;
  /** The provider's own words, at most 4 KiB. */
  readonly raw?: Json;
  readonly reason?: string;
  /** Who settled it, where a person did. */
  readonly by?: string;
  readonly settledAt: string;
}

/** Limits on how fast, beside how much. All per agent of an execution. */
export interface RateLimits {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** Calls at the same time. */
  readonly concurrent?: number;
}

export interface HoldRequest {
  readonly holdId: string;
  readonly kind: Hold['kind'];
  readonly payer: Payer;
  readonly purpose: Purpose;
  readonly amount: NanoUsd;
  readonly expiresAt?: string;
  /** Of a call: the lease must be claimed under this epoch in the same transaction. */
  readonly leaseEpoch?: number;
  readonly rate?: RateLimits;
  /** Worst-case tokens, for `tokensPerMinute`. */
  readonly tokens?: number;
}

/**
 * A refusal is true at its instant: `spent + held + needed > limit`. `budget_held`: it would fit if nothing were held but
 * what the task that asks holds for itself, so a retry may; `budget_exhausted`: it would not.
 */
export interface BudgetRefusal {
  readonly code: 'budget_exhausted' | 'budget_held';
  readonly scope: Scope;
  readonly limit: NanoUsd;
  readonly spent: NanoUsd;
  readonly held: NanoUsd;
  readonly needed: NanoUsd;
  /** When the window of the scope ends; absent for an execution and its agents. */
  readonly resetsAt?: string;
}

export type ReserveResult =
  /** Also the answer to a repeat with the same `holdId`. */
  | { readonly kind: 'held'; readonly hold: Hold }
  | { readonly kind: 'refused'; readonly refusal: BudgetRefusal }
  /** The lease is not claimed under that epoch any more. */
  | { readonly kind: 'fenced' }
  | { readonly kind: 'limited'; readonly limit: keyof RateLimits; readonly retryAfterSeconds: number };

export interface Settlement {
  readonly executionId: string;
  readonly holdId: string;
  readonly cost: NanoUsd;
  readonly source: LedgerEntry['source'];
  readonly usage?: Usage;
  readonly raw?: Json;
  readonly reason?: string;
  readonly by?: string;
}

/** Where it cost more than was held, all of it is spent: `watch-budgets` counts and logs every such entry. */
export type SettleResult =
  | { readonly kind: 'settled'; readonly entry: LedgerEntry }
  /** It was settled or released before: nothing was changed. */
  | { readonly kind: 'already'; readonly entry?: LedgerEntry }
  | { readonly kind: 'unknown' };

/** The sum over the entries of one attempt, kept as they are written. */
export interface AttemptTotal {
  readonly path: string;
  readonly attempt: number;
  readonly calls: number;
  readonly cost: NanoUsd;
}

/** The sum over entries of one day (UTC, by settlement) with all of these the same. */
export interface CostRow {
  readonly day: string;
  readonly workflow: string;
  readonly agent: string;
  readonly provider: string;
  readonly model: string;
  readonly calls: number;
  readonly cost: NanoUsd;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What a tenant may spend; absent: any amount. */
export interface WindowLimits {
  readonly daily?: NanoUsd;
  readonly monthly?: NanoUsd;
  readonly alertsAt?: readonly number[];
}

/** What Open makes for an execution. */
export interface ExecutionBudget {
  readonly executionId: string;
  readonly tenant: string;
  readonly workflow: string;
  readonly limit?: NanoUsd;
  /** Every agent of the definition that has a limit of its own. Other agents get a scope when they first reserve. */
  readonly agents: { readonly [agent: string]: NanoUsd };
  readonly alertsAt: readonly number[];
  /** Of the workflow: they hold for its windows from now on, keeping what was spent in them. */
  readonly windows: WindowLimits;
}
