import { describe, expect, it } from 'vitest';
import { nanoUsd } from '../../../../lib/budget/money.ts';
import { bedrockConverse } from '../../../../lib/model-calls/bedrock/converse.ts';
import { bedrockInvoke } from '../../../../lib/model-calls/bedrock/invoke.ts';
import { overBudget, rateLimited } from '../../../../lib/model-calls/refusals.ts';

const OVER = {
  code: 'budget_held',
  scope: { kind: 'execution', executionId: '01J' },
  limit: nanoUsd(100_000_000),
  spent: nanoUsd(0),
  held: nanoUsd(90_000_000),
  needed: nanoUsd(90_000_000),
} as const;

describe('a refusal', () => {
  it('is the exception of Bedrock that the AWS SDKs read, and retry in no mode', () => {
    for (const format of [bedrockConverse, bedrockInvoke]) {
      const answer = format.refuse(overBudget(OVER));
      expect(answer.status).toBe(402);
      expect(answer.headers).toEqual({
        'content-type': 'application/json',
        'x-wflo-error': 'budget_held',
        'x-should-retry': 'false',
        'retry-after': '5',
        'x-amzn-errortype': 'ServiceQuotaExceededException',
      });
      const body = JSON.parse(answer.body);
      expect(body).toMatchObject({ wfloError: 'budget_held', budget: { scope: 'execution', held: '0.09' } });
      expect(body.message).toContain('held $0.09');
      // Some SDKs would take these for the name of the exception.
      expect(body).not.toHaveProperty('code');
      expect(body).not.toHaveProperty('__type');
    }
  });

  it.each<[number, string, number]>([
    [400, 'ValidationException', 400],
    [401, 'AccessDeniedException', 401],
    [403, 'AccessDeniedException', 403],
    [404, 'ResourceNotFoundException', 404],
    [409, 'ConflictException', 409],
    [413, 'ValidationException', 413],
    [429, 'ThrottlingException', 429],
    [502, 'InternalServerException', 502],
    [503, 'ServiceUnavailableException', 503],
    // The AWS SDKs retry every 504, but the call behind it is still being paid for.
    [504, 'ModelTimeoutException', 408],
  ])('of status %s is a %s', (status, type, sent) => {
    const answer = bedrockConverse.refuse({ code: 'invalid_request', status, message: 'no' });
    expect(answer.status).toBe(sent);
    expect(answer.headers['x-amzn-errortype']).toBe(type);
    expect(JSON.parse(answer.body)).toEqual({ message: 'no [invalid_request]', wfloError: 'invalid_request' });
  });

  it('of a rate limit is throttling, with the time to wait', () => {
    const answer = bedrockConverse.refuse(rateLimited('tokensPerMinute', 12));
    expect(answer).toMatchObject({
      status: 429,
      headers: { 'retry-after': '12', 'x-amzn-errortype': 'ThrottlingException' },
    });
  });
});
