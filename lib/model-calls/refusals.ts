import type { BudgetRefusal, RateLimits } from '../budget/ledger.ts';
import type { Provider } from '../budget/price-book.ts';
import type { CallRefusal } from './wire-format.ts';

/** Seconds after which calls in flight have often ended, where nobody knows better. */
const HELD_RETRY_SECONDS = 5;

export function malformedJson(why: string): CallRefusal {
  return {
    code: 'malformed_json',
    status: 400,
    message: `the body of the call is not JSON that can be priced: ${why}`,
    fix: 'send one JSON object in UTF-8',
  };
}

/** `field` as a path into the body: `messages[3].content`. */
export function invalidField(field: string, what: string, fix?: string): CallRefusal {
  return {
    code: 'invalid_request',
    status: 400,
    message: `${field} ${what}`,
    ...(fix === undefined ? {} : { fix }),
  };
}

/** What is named could change what the call costs, or hide input, and has no price. */
export function unpricedFeature(feature: string, fix = 'leave it out'): CallRefusal {
  return {
    code: 'unpriced_feature',
    status: 400,
    message: `${feature} has no price here, so the most that the call can cost is not known`,
    fix,
  };
}

export function unknownModel(provider: Provider, model: string): CallRefusal {
  return {
    code: 'unknown_model',
    status: 404,
    message: `the price book has no ${provider} model of exactly the name ${JSON.stringify(model.slice(0, 200))}`,
    fix: 'use a model that `wflo prices` lists, or add it to the overrides of the price book',
  };
}

/** `field` is where the request asks for so many. */
export function tooManyOutputTokens(field: string, asked: number, ceiling: number, model: string): CallRefusal {
  return {
    code: 'invalid_request',
    status: 400,
    message: `${field} is ${asked}, but ${model} gives at most ${ceiling} tokens`,
    fix: `ask for ${ceiling} or fewer`,
  };
}

/** `fittingOutputTokens`: the most output tokens for each choice that would fit into what is left. */
export function overBudget(refusal: BudgetRefusal, fittingOutputTokens?: number): CallRefusal {
  const held = refusal.code === 'budget_held';
  return {
    code: refusal.code,
    status: 402,
    message: held
      ? 'the budget would suffice, but calls in flight hold the rest of it'
      : 'the budget has too little left for this call',
    ...(held ? { retryAfterSeconds: HELD_RETRY_SECONDS } : {}),
    budget: { ...refusal, ...(fittingOutputTokens === undefined ? {} : { fittingOutputTokens }) },
  };
}

/** Nobody has raised the budget yet, or said that it stays as it is. */
export function budgetPending(refusal: BudgetRefusal, retryAfterSeconds: number): CallRefusal {
  return {
    code: 'budget_pending',
    status: 409,
    message: 'the budget has too little left for this call, and nobody has raised it yet',
    fix: 'call again later',
    retryAfterSeconds,
    budget: refusal,
  };
}

const LIMIT_TEXTS = {
  requestsPerMinute: 'more calls a minute',
  tokensPerMinute: 'more tokens a minute',
  concurrent: 'more calls at the same time',
} as const satisfies Record<keyof RateLimits, string>;

export function rateLimited(limit: keyof RateLimits, retryAfterSeconds: number): CallRefusal {
  return {
    code: 'rate_limited',
    status: 429,
    message: `the agent makes ${LIMIT_TEXTS[limit]} than its step allows (${limit})`,
    fix: 'call again later',
    retryAfterSeconds,
  };
}

export function bodyTooLarge(limitBytes: number): CallRefusal {
  return {
    code: 'payload_too_large',
    status: 413,
    message: `the body of the call is larger than ${limitBytes} bytes`,
    fix: 'send less, for example smaller images',
  };
}

export function modelNotAllowed(model: string): CallRefusal {
  return {
    code: 'model_not_allowed',
    status: 403,
    message: `the step does not declare the model ${JSON.stringify(model.slice(0, 200))}`,
    fix: 'add it to the models of the step',
  };
}

export function ledgerUnreachable(): CallRefusal {
  return {
    code: 'ledger_unreachable',
    status: 503,
    message: 'the budget ledger could not be reached, so nothing was called',
    fix: 'call again later',
    retryAfterSeconds: HELD_RETRY_SECONDS,
  };
}

export function ledgerBusy(retryAfterSeconds: number): CallRefusal {
  return {
    code: 'ledger_busy',
    status: 503,
    message: 'too many calls change the same budget at the same time, so nothing was called',
    fix: 'call again later',
    retryAfterSeconds,
  };
}
