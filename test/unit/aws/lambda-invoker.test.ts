import { LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { lambdaInvoker, stepFunctionClient } from '../../../lib/aws/lambda-invoker.ts';
import { type ScriptedAnswer, scriptedAws } from '../../_helpers/scripted-aws.ts';

const arn = 'arn:aws:lambda:us-east-1:123456789012:function:wflo-dev-step-report-notify:3';
const context = { idempotencyKey: 'key', executionId: 'report:one', stepPath: 'notify', attempt: 2 };

function invoke(answer: ScriptedAnswer | (() => Promise<ScriptedAnswer>), [timeoutSeconds, marginSeconds] = [60, 30]) {
  const aws = scriptedAws(() => (typeof answer === 'function' ? answer() : answer));
  const result = lambdaInvoker({ client: new LambdaClient(aws.settings), marginSeconds }).invoke(
    arn,
    { to: 'ada' },
    context,
    timeoutSeconds,
  );
  return { result, requests: aws.requests };
}

const failed = (body: unknown): ScriptedAnswer => ({ headers: { 'x-amz-function-error': 'Unhandled' }, body });

describe('an invocation', () => {
  it('passes the input and what makes it idempotent, and answers the output', async () => {
    const { result, requests } = invoke({ body: { sent: true } });
    expect(await result).toEqual({ ok: true, output: { sent: true } });
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({ input: { to: 'ada' }, ...context });
    expect(decodeURIComponent(requests[0]?.path ?? '')).toContain(arn);
  });

  it('answers null for a function that returns nothing', async () => {
    expect(await invoke({ body: null }).result).toEqual({ ok: true, output: null });
  });

  it('gives an error of the function back as data', async () => {
    const { result } = invoke(failed({ errorType: 'TypeError', errorMessage: 'no such list' }));
    expect(await result).toEqual({ ok: false, timedOut: false, message: 'no such list' });
  });

  it.each([
    { errorType: 'Sandbox.Timedout', errorMessage: 'RequestId: 1 Error: Task timed out after 3.00 seconds' },
    { errorMessage: '2026-01-01T00:00:00.000Z 1 Task timed out after 3.00 seconds' },
  ])('tells a time-out from an error: %j', async (body) => {
    expect(await invoke(failed(body)).result).toMatchObject({ ok: false, timedOut: true });
  });

  it('throws what Lambda itself refused, after one try', async () => {
    const { result, requests } = invoke({
      status: 429,
      headers: { 'x-amzn-errortype': 'TooManyRequestsException' },
      body: { message: 'Rate exceeded' },
    });
    await expect(result).rejects.toMatchObject({ name: 'TooManyRequestsException' });
    expect(requests).toHaveLength(1);
  });

  it('has no outcome when no answer comes within the time of the function and a margin: it may have acted', async () => {
    const never = () =>
      new Promise<ScriptedAnswer>((_resolve, reject) => setTimeout(() => reject(new Error('aborted')), 50));
    await expect(invoke(never, [0, 0.01]).result).rejects.toThrow();
  });

  it('is never repeated by the client itself', async () => {
    expect(await stepFunctionClient().config.maxAttempts()).toBe(1);
  });
});
