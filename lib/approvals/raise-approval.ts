import type { BudgetRefusal, Scope } from '../budget/ledger.ts';
import { decimalUsd, minusUsd, NANO_USD, type NanoUsd, nanoUsd, share, sumUsd } from '../budget/money.ts';
import { scopeText } from '../budget/refusal-text.ts';
import {
  type Actor,
  type ApprovalRecord,
  type ExecutionRecord,
  type RaisableScope,
  type RaiseAsked,
  SCHEMA,
} from '../execution/records.ts';
import { canonicalJson, sha256 } from '../json.ts';
import type { Role } from '../people/roles.ts';
import { approvalIdOf } from './approval-id.ts';
import { isProven } from './requester.ts';

const CENT = NANO_USD / 100;
/** Names of steps have no underscore, so that nothing that looks for approvals of a step finds this. */
const RAISE_PATH = 'budget_raise';
/** Step Functions lets nothing run for longer. */
const LONGEST_EXECUTION_MS = 365 * 24 * 60 * 60 * 1000;
/** After that it is looked at whether its budget was raised by a call that was cut off before it said so. */
const LOOK_AFTER_MS = 2 * 60 * 1000;

/** People raise budgets of an execution and its agents; those of days and months are set. */
export function isRaisable(scope: Scope): scope is RaisableScope {
  return scope.kind === 'execution' || scope.kind === 'agent';
}

export type RaisableRefusal = BudgetRefusal & { readonly scope: RaisableScope };

export function isRaisableRefusal(refusal: BudgetRefusal): refusal is RaisableRefusal {
  return isRaisable(refusal.scope);
}

/** The budget's number `number` of times that somebody is asked to raise it. */
export function raiseApprovalId(scope: RaisableScope, number: number): string {
  return approvalIdOf(scope.executionId, raisePath(scope), number);
}

function raisePath(scope: RaisableScope): string {
  return scope.kind === 'agent' ? `${RAISE_PATH}/${scope.agent}` : RAISE_PATH;
}

/** The least that lets the call pass whatever becomes of what is held, in whole cents. */
export function raiseAsked(refusal: RaisableRefusal, stepPath: string): RaiseAsked {
  const { scope, limit, spent, held, needed } = refusal;
  const missing = minusUsd(sumUsd(spent, held, needed), limit);
  const by = nanoUsd(BigInt(share(missing, 1, CENT)) * BigInt(CENT));
  return { scope, limit, spent, held, needed, by, stepPath };
}

/** Hash of what is asked: a decision may name it. */
export function raiseHash(raise: RaiseAsked): string {
  return sha256(canonicalJson(raise));
}

/** Whoever may raise the budget of an execution; never who started it. Where nothing proves who did, anybody could have. */
export function raisersOf(requester: Actor): { readonly roles: readonly Role[]; readonly note?: string } {
  if (isProven(requester)) return { roles: ['budget-owner', 'administrator'] };
  return {
    roles: ['administrator'],
    note: 'nothing proves who started the execution, so an administrator has to decide',
  };
}

/** It ends with its execution, and asks for nothing more once that was granted. */
export function raiseApproval(
  execution: ExecutionRecord,
  { raise, attempt, number, now }: { raise: RaiseAsked; attempt: number; number: number; now: Date },
): ApprovalRecord {
  const { executionId, workflow, tenant, requester, timeoutAt } = execution;
  const expiresAt = timeoutAt ?? new Date(now.getTime() + LONGEST_EXECUTION_MS).toISOString();
  const withinSeconds = Math.max(1, Math.ceil((Date.parse(expiresAt) - now.getTime()) / 1000));
  return {
    schema: SCHEMA,
    approvalId: raiseApprovalId(raise.scope, number),
    executionId,
    workflow,
    tenant,
    path: raisePath(raise.scope),
    attempt,
    kind: 'budget',
    status: 'pending',
    version: 1,
    raise,
    approvedHash: raiseHash(raise),
    policy: {
      from: [],
      notRequester: true,
      withinSeconds,
      executeWithinSeconds: withinSeconds,
      otherwise: 'reject',
    },
    groups: [],
    ...raisersOf(requester),
    requester,
    claims: [],
    votes: [],
    requestedAt: now.toISOString(),
    expiresAt,
    checkAt: new Date(now.getTime() + LOOK_AFTER_MS).toISOString(),
  };
}

export function sameScope(a: RaisableScope, b: RaisableScope): boolean {
  return raiseApprovalId(a, 1) === raiseApprovalId(b, 1);
}

/** What people decide on: made by Wflo alone, no agent has written in it. */
export function renderRaise({ scope, limit, spent, held, needed, by, stepPath }: RaiseAsked): string {
  return [
    `raises the budget of ${scopeText(scope)} by ${exact(by)}, from ${exact(limit)} to ${exact(sumUsd(limit, by))}`,
    `a model call of ${stepPath} may cost ${exact(needed)}; ${exact(spent)} are spent, and ${exact(held)} held`,
  ].join('\n');
}

function exact(amount: NanoUsd): string {
  return `$${decimalUsd(amount)}`;
}
