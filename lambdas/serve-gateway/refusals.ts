import type { BudgetRefusal, RateLimits, Scope } from '../../lib/budget/ledger.ts';
import { usdText } from '../../lib/budget/money.ts';
import { type ErrorCode, WfloError } from '../../lib/errors.ts';
import type { CallRefusal } from '../../lib/model-calls/wire-format.ts';

const STATUS: { readonly [C in ErrorCode]?: number } = {
  invalid_request: 400,
  unpriced_feature: 400,
  invalid_session: 401,
  budget_exhausted: 402,
  budget_held: 402,
  model_not_allowed: 403,
  unknown_model: 404,
  stale_epoch: 409,
  execution_closed: 409,
  budget_pending: 409,
  rate_limited: 429,
  provider_failed: 502,
  provider_not_configured: 503,
  ledger_busy: 503,
  ledger_unreachable: 503,
};

/** How long a caller waits before a try that may fit. */
const HELD_SECONDS = 5;
const PENDING_SECONDS = 30;
const BUSY_SECONDS = 2;
const UNREACHABLE_SECONDS = 10;

/** What an agent is told. Unexpected failures say nothing of what is inside. */
export function refusalOfError(error: unknown): CallRefusal {
  if (!WfloError.is(error) || STATUS[error.code] === undefined) {
    return { code: 'internal', status: 503, message: 'an unexpected failure of the gateway' };
  }
  const retry = { ledger_busy: BUSY_SECONDS, ledger_unreachable: UNREACHABLE_SECONDS }[error.code as string];
  return refusal(error.code, error.message, {
    ...(error.fix === undefined ? {} : { fix: error.fix }),
    ...(retry === undefined ? {} : { retryAfterSeconds: retry }),
  });
}

export function refusal(
  code: ErrorCode,
  message: string,
  more: Partial<Pick<CallRefusal, 'fix' | 'retryAfterSeconds' | 'status'>> = {},
): CallRefusal {
  return { code, message, status: STATUS[code] ?? 503, ...more };
}

export function budgetRefusal(refused: BudgetRefusal, fittingOutputTokens: number | undefined): CallRefusal {
  const { code, scope, limit, spent, held, needed, resetsAt } = refused;
  const message =
    `${scopeText(scope)} has ${usdText(limit)}: ${usdText(spent)} spent, ${usdText(held)} held by calls in flight, ` +
    `and this call may need ${usdText(needed)}${resetsAt === undefined ? '' : `; it is full again at ${resetsAt}`}`;
  const fix =
    fittingOutputTokens === undefined
      ? 'ask for a higher budget (`wflo budget raise`), or send a smaller request'
      : `ask for at most ${fittingOutputTokens} output tokens, or for a higher budget (\`wflo budget raise\`)`;
  return {
    ...refusal(code, message, { fix, ...(code === 'budget_held' ? { retryAfterSeconds: HELD_SECONDS } : {}) }),
    budget: { ...refused, ...(fittingOutputTokens === undefined ? {} : { fittingOutputTokens }) },
  };
}

/** A person was asked, and has not raised the budget yet. */
export function pendingRefusal(refused: CallRefusal): CallRefusal {
  return {
    ...refused,
    ...refusal('budget_pending', `${refused.message}; a person was asked to raise it`, {
      fix: 'try again later, or go on without this call',
      retryAfterSeconds: PENDING_SECONDS,
    }),
  };
}

const LIMIT_TEXT: { readonly [K in keyof RateLimits]-?: string } = {
  requestsPerMinute: 'requests a minute',
  tokensPerMinute: 'tokens a minute',
  concurrent: 'calls at the same time',
};

export function rateRefusal(agent: string, limit: keyof RateLimits, retryAfterSeconds: number): CallRefusal {
  return refusal('rate_limited', `the agent ${agent} has reached its limit of ${LIMIT_TEXT[limit]}`, {
    retryAfterSeconds,
  });
}

/** `the budget of …`, as a sentence begins with it. */
function scopeText(scope: Scope): string {
  switch (scope.kind) {
    case 'execution':
      return 'the budget of this execution';
    case 'agent':
      return `the budget of the agent ${scope.agent} in this execution`;
    case 'workflow':
      return `the budget of the workflow ${scope.workflow} for the ${scope.window} ${scope.period}`;
    case 'tenant':
      return `the budget of the tenant for the ${scope.window} ${scope.period}`;
  }
}
