import { describe, expect, test } from 'vitest';
import type { BudgetRefusal } from '../../../lib/budget/ledger.ts';
import { usd } from '../../../lib/budget/money.ts';
import { refuseGemini } from '../../../lib/model-calls/gemini/refuse.ts';
import { refuseOpenai } from '../../../lib/model-calls/openai/refuse.ts';
import {
  bodyTooLarge,
  budgetPending,
  invalidField,
  ledgerBusy,
  ledgerUnreachable,
  malformedJson,
  modelNotAllowed,
  overBudget,
  rateLimited,
  unknownModel,
  unpricedFeature,
} from '../../../lib/model-calls/refusals.ts';
import type { CallRefusal } from '../../../lib/model-calls/wire-format.ts';

const money = { limit: usd('0.10'), spent: usd('0.09'), held: usd(0), needed: usd('0.0912345') };
const exhausted: BudgetRefusal = {
  code: 'budget_exhausted',
  scope: { kind: 'tenant', tenant: 'acme', window: 'day', period: '2026-11-26' },
  ...money,
  resetsAt: '2026-11-27T00:00:00.000Z',
};
const held: BudgetRefusal = {
  code: 'budget_held',
  scope: { kind: 'agent', executionId: 'e1', agent: 'researcher' },
  ...money,
  held: usd('0.05'),
  spent: usd('0.04'),
};

describe('a budget that is exhausted, to the letter', () => {
  const refusal = overBudget(exhausted, 512);
  const message =
    'the budget has too little left for this call [budget_exhausted]; budget of the tenant acme on 2026-11-26: limit $0.10, spent $0.09, held $0.00, needed for this call at most $0.0912345; it starts again at 2026-11-27T00:00:00.000Z; with at most 512 output tokens the call would fit';
  const budget = {
    scope: 'tenant_day',
    subject: 'acme',
    limit: '0.10',
    spent: '0.09',
    held: '0.00',
    needed: '0.0912345',
    resetsAt: '2026-11-27T00:00:00.000Z',
    fittingOutputTokens: 512,
  };
  const headers = {
    'content-type': 'application/json',
    'x-wflo-error': 'budget_exhausted',
    'x-should-retry': 'false',
  };

  test('OpenAI', () => {
    const { body, ...answer } = refuseOpenai(refusal);
    expect(answer).toEqual({ status: 402, headers });
    expect(JSON.parse(body)).toEqual({
      error: { message, type: 'insufficient_quota', param: null, code: 'budget_exhausted', budget },
    });
  });

  test('Gemini', () => {
    const { body, ...answer } = refuseGemini(refusal);
    expect(answer).toEqual({ status: 402, headers });
    expect(JSON.parse(body)).toEqual({
      error: {
        code: 402,
        message,
        status: 'RESOURCE_EXHAUSTED',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'BUDGET_EXHAUSTED',
            domain: 'wflo',
            metadata: { ...budget, fittingOutputTokens: '512' },
          },
        ],
      },
    });
  });
});

test('a budget that calls in flight hold: the SDK does not retry, the agent may', () => {
  const refusal = overBudget(held);
  expect(refuseOpenai(refusal).headers).toMatchObject({ 'x-should-retry': 'false', 'retry-after': '5' });
  const { error } = JSON.parse(refuseOpenai(refusal).body);
  expect(error.message).toContain('budget of the agent researcher: limit $0.10, spent $0.04');
  expect(error.message).not.toContain('starts again');
  expect(error.budget).toMatchObject({ scope: 'agent', subject: 'researcher', held: '0.05' });
  expect(error.budget).not.toHaveProperty('fittingOutputTokens');
  expect(JSON.parse(refuseGemini(refusal).body).error.details[1]).toEqual({
    '@type': 'type.googleapis.com/google.rpc.RetryInfo',
    retryDelay: '5s',
  });
  // Also where whoever refuses says no time.
  const { retryAfterSeconds: _, ...without } = refusal;
  expect(refuseOpenai(without).headers['retry-after']).toBe('5');
});

test('a hint that would not help is left out', () => {
  expect(refuseOpenai(overBudget(exhausted, 0)).body).not.toContain('fittingOutputTokens');
});

test('each kind of scope has its name', () => {
  const scopes: [BudgetRefusal['scope'], string, string][] = [
    [{ kind: 'execution', executionId: 'e1' }, 'execution', 'budget of the execution'],
    [
      { kind: 'workflow', tenant: 't', workflow: 'w', window: 'month', period: '2026-11' },
      'workflow_month',
      'budget of the workflow w in 2026-11',
    ],
  ];
  for (const [scope, name, text] of scopes) {
    const { error } = JSON.parse(refuseOpenai(overBudget({ ...exhausted, scope })).body);
    expect(error.budget.scope).toBe(name);
    expect(error.message).toContain(text);
  }
});

describe('every other refusal', () => {
  type Row = [refusal: CallRefusal, status: number, type: string, google: string, headers: object];
  const no = { 'x-should-retry': 'false' };
  const unauthorized: CallRefusal = { code: 'invalid_session', status: 401, message: 'no' };
  const rows: Row[] = [
    [malformedJson('it is empty'), 400, 'invalid_request_error', 'INVALID_ARGUMENT', no],
    [invalidField('n', 'is too much'), 400, 'invalid_request_error', 'INVALID_ARGUMENT', no],
    [unpricedFeature('background'), 400, 'invalid_request_error', 'INVALID_ARGUMENT', no],
    [unauthorized, 401, 'authentication_error', 'UNAUTHENTICATED', no],
    [modelNotAllowed('gpt-4o'), 403, 'permission_error', 'PERMISSION_DENIED', no],
    [unknownModel('openai', 'gpt-9'), 404, 'invalid_request_error', 'NOT_FOUND', no],
    [budgetPending(exhausted, 30), 409, 'insufficient_quota', 'ABORTED', { 'retry-after': '30', ...no }],
    [{ code: 'stale_epoch', status: 409, message: 'no' }, 409, 'invalid_request_error', 'ABORTED', no],
    [bodyTooLarge(5_500_000), 413, 'invalid_request_error', 'INVALID_ARGUMENT', no],
    [rateLimited('tokensPerMinute', 12.2), 429, 'rate_limit_error', 'RESOURCE_EXHAUSTED', { 'retry-after': '13' }],
    [{ code: 'provider_failed', status: 502, message: 'it hung up' }, 502, 'server_error', 'UNAVAILABLE', {}],
    [ledgerUnreachable(), 503, 'server_error', 'UNAVAILABLE', { 'retry-after': '5' }],
    [ledgerBusy(0), 503, 'server_error', 'UNAVAILABLE', { 'retry-after': '1' }],
    [{ code: 'provider_not_configured', status: 503, message: 'no key' }, 503, 'server_error', 'UNAVAILABLE', {}],
    // The call that got no answer is still being paid for: another one would be paid for too.
    [{ code: 'provider_failed', status: 504, message: 'it was silent' }, 504, 'server_error', 'DEADLINE_EXCEEDED', no],
  ];
  test.each(rows)('%j', (refusal, status, type, google, headers) => {
    const all = { 'content-type': 'application/json', 'x-wflo-error': refusal.code, ...headers };
    for (const answer of [refuseOpenai(refusal), refuseGemini(refusal)]) {
      expect(answer).toMatchObject({ status });
      expect(answer.headers).toEqual(all);
    }
    const { error } = JSON.parse(refuseOpenai(refusal).body);
    expect(error).toMatchObject({ type, param: null, code: refusal.code });
    expect(error.message).toContain(refusal.message);
    expect(error.message).toContain(refusal.fix ?? '');
    expect(JSON.parse(refuseGemini(refusal).body).error).toMatchObject({ code: status, status: google });
  });
});
