import type { Scope } from '../budget/ledger.ts';
import { decimalUsd } from '../budget/money.ts';
import { scopeText } from '../budget/refusal-text.ts';
import type { CallRefusal } from './wire-format.ts';

/** What every provider's envelope says in its own shape. Money is exact decimal dollars: `0.0123`. */
export interface RefusalBudget {
  /** `execution`, `agent`, `workflow_day`, `workflow_month`, `tenant_day` or `tenant_month`. */
  readonly scope: string;
  /** The id of the execution, or the name of the agent, workflow or tenant. */
  readonly subject: string;
  readonly limit: string;
  readonly spent: string;
  readonly held: string;
  readonly needed: string;
  /** UTC, ISO 8601. */
  readonly resetsAt?: string;
  /** The most output tokens of each choice that would fit; absent where none would. */
  readonly fittingOutputTokens?: number;
}

export function refusalBudget({ budget }: CallRefusal): RefusalBudget | undefined {
  if (budget === undefined) return undefined;
  const { scope, limit, spent, held, needed, resetsAt, fittingOutputTokens } = budget;
  return {
    scope: 'window' in scope ? `${scope.kind}_${scope.window}` : scope.kind,
    subject: subjectOf(scope),
    limit: decimalUsd(limit),
    spent: decimalUsd(spent),
    held: decimalUsd(held),
    needed: decimalUsd(needed),
    ...(resetsAt === undefined ? {} : { resetsAt }),
    ...(fittingOutputTokens === undefined || fittingOutputTokens < 1 ? {} : { fittingOutputTokens }),
  };
}

/** The whole story, since SDKs show their users nothing but the message. */
export function refusalText(refusal: CallRefusal): string {
  const parts = [`${refusal.message} [${refusal.code}]`];
  const budget = refusalBudget(refusal);
  if (refusal.budget !== undefined && budget !== undefined) {
    parts.push(
      `budget of ${scopeText(refusal.budget.scope)}: limit $${budget.limit}, spent $${budget.spent}, held $${budget.held}, needed for this call at most $${budget.needed}`,
    );
    if (budget.resetsAt !== undefined) parts.push(`it starts again at ${budget.resetsAt}`);
    if (budget.fittingOutputTokens !== undefined) {
      parts.push(`with at most ${budget.fittingOutputTokens} output tokens the call would fit`);
    }
  }
  if (refusal.fix !== undefined) parts.push(refusal.fix);
  return parts.join('; ');
}

function subjectOf(scope: Scope): string {
  switch (scope.kind) {
    case 'execution':
      return scope.executionId;
    case 'agent':
      return scope.agent;
    case 'workflow':
      return scope.workflow;
    case 'tenant':
      return scope.tenant;
  }
}

const BUDGET_HELD_SECONDS = 5;

/**
 * The headers of every refusal. The SDKs of OpenAI and Anthropic retry 408, 409, 429 and 5xx by themselves, but obey
 * `x-should-retry: false`. It is left out only where a retry by the SDK makes sense: not after 504, whose call is still
 * being paid for, and not for a budget, which an agent's own code may wait for (`retry-after`). Nor for one that a person
 * was asked to raise: each call waits for that itself, so an SDK would only ask again what nobody has answered.
 */
export function refusalHeaders(refusal: CallRefusal): { [name: string]: string } {
  const { code, status } = refusal;
  const retry = status === 429 || status === 502 || status === 503;
  const after = refusal.retryAfterSeconds ?? (code === 'budget_held' ? BUDGET_HELD_SECONDS : undefined);
  return {
    'content-type': 'application/json',
    'x-wflo-error': code,
    ...(retry ? {} : { 'x-should-retry': 'false' }),
    ...(after === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(after))) }),
  };
}
