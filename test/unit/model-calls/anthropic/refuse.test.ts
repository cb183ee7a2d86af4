import { describe, expect, it } from 'vitest';
import { nanoUsd } from '../../../../lib/budget/money.ts';
import { anthropicMessages } from '../../../../lib/model-calls/anthropic/messages.ts';
import {
  budgetPending,
  ledgerUnreachable,
  overBudget,
  rateLimited,
  unpricedFeature,
} from '../../../../lib/model-calls/refusals.ts';
import type { CallRefusal } from '../../../../lib/model-calls/wire-format.ts';

const OVER = {
  code: 'budget_exhausted',
  scope: { kind: 'tenant', tenant: 'acme', window: 'day', period: '2026-11-26' },
  limit: nanoUsd(100_000_000),
  spent: nanoUsd(90_000_000),
  held: nanoUsd(0),
  needed: nanoUsd(90_000_000),
  resetsAt: '2026-11-27T00:00:00Z',
} as const;

describe('a refusal', () => {
  it('is the error of Anthropic that its SDKs read', () => {
    const answer = anthropicMessages.refuse(overBudget(OVER, 600));
    expect(answer.status).toBe(402);
    expect(answer.headers).toEqual({
      'content-type': 'application/json',
      'x-wflo-error': 'budget_exhausted',
      'x-should-retry': 'false',
    });
    const body = JSON.parse(answer.body);
    expect(body).toEqual({
      type: 'error',
      error: {
        type: 'billing_error',
        message: expect.stringContaining('limit $0.10, spent $0.09, held $0.00'),
        details: {
          error_code: 'budget_exhausted',
          budget: {
            scope: 'tenant_day',
            subject: 'acme',
            limit: '0.10',
            spent: '0.09',
            held: '0.00',
            needed: '0.09',
            resetsAt: '2026-11-27T00:00:00Z',
            fittingOutputTokens: 600,
          },
        },
      },
      request_id: null,
    });
    expect(body.error.message).toContain('600 output tokens');
  });

  it('says when to come again where that may help', () => {
    const held = anthropicMessages.refuse(overBudget({ ...OVER, code: 'budget_held' }));
    expect(held).toMatchObject({ status: 402, headers: { 'retry-after': '5', 'x-should-retry': 'false' } });
    expect(anthropicMessages.refuse(budgetPending(OVER, 30))).toMatchObject({
      status: 409,
      headers: { 'retry-after': '30' },
    });
    const limited = anthropicMessages.refuse(rateLimited('concurrent', 2));
    expect(limited).toMatchObject({ status: 429, headers: { 'retry-after': '2', 'x-wflo-error': 'rate_limited' } });
    expect(limited.headers).not.toHaveProperty('x-should-retry');
  });

  it.each<[number, string]>([
    [400, 'invalid_request_error'],
    [401, 'authentication_error'],
    [403, 'permission_error'],
    [404, 'not_found_error'],
    [409, 'conflict_error'],
    [413, 'request_too_large'],
    [429, 'rate_limit_error'],
    [502, 'api_error'],
    [503, 'api_error'],
    [504, 'timeout_error'],
  ])('of status %s is a %s', (status, type) => {
    const refusal: CallRefusal = { code: 'invalid_request', status, message: 'no' };
    const answer = anthropicMessages.refuse(refusal);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body).error).toEqual({
      type,
      message: 'no [invalid_request]',
      details: { error_code: 'invalid_request' },
    });
  });

  it('is no billing error where only a price is missing', () => {
    const answer = anthropicMessages.refuse(unpricedFeature('speed "fast"'));
    expect(JSON.parse(answer.body).error.type).toBe('invalid_request_error');
    expect(anthropicMessages.refuse(ledgerUnreachable()).status).toBe(503);
  });
});
