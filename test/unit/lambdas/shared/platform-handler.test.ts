import type { Context } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stepCorrelation } from '../../../../lambdas/shared/correlation.ts';
import { environment, presignEndpoint } from '../../../../lambdas/shared/environment.ts';
import { once } from '../../../../lambdas/shared/once.ts';
import { describeFailure, platformHandler } from '../../../../lambdas/shared/platform-handler.ts';
import { stateMachines } from '../../../../lambdas/shared/ports.ts';
import { metrics } from '../../../../lambdas/shared/powertools.ts';
import { WfloError } from '../../../../lib/errors.ts';

const context = {
  functionName: 'wflo-dev-prepare-step',
  functionVersion: '1',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:wflo-dev-prepare-step',
  memoryLimitInMB: '512',
  awsRequestId: 'request-1',
} as Context;
const SECRET = 'hunter2';
const event = { executionId: 'report:one', step: JSON.stringify({ path: 'plan' }), input: { secret: SECRET } };

let lines: string[];
beforeEach(() => {
  lines = [];
  const write = (chunk: unknown) => {
    lines.push(...String(chunk).split('\n').filter(Boolean));
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(write);
  vi.spyOn(process.stderr, 'write').mockImplementation(write);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});
const logged = () => lines.map((line) => JSON.parse(line) as { readonly [key: string]: unknown });

describe('platformHandler', () => {
  it('writes one line per invocation, with the ids and without event or answer', async () => {
    const handler = platformHandler(
      { correlate: stepCorrelation, summarise: (answer: { next: string }) => ({ next: answer.next }) },
      async () => ({ next: 'ok', code: SECRET }),
    );
    expect(await handler(event, context)).toEqual({ next: 'ok', code: SECRET });
    expect(logged()).toEqual([
      expect.objectContaining({
        level: 'INFO',
        message: 'invocation',
        outcome: 'ok',
        next: 'ok',
        executionId: 'report:one',
        stepPath: 'plan',
        durationMs: expect.any(Number),
        function_request_id: 'request-1',
      }),
    ]);
    expect(lines.join('\n')).not.toContain(SECRET);
  });

  it('writes the code of a failure, and fails', async () => {
    const handler = platformHandler({ correlate: stepCorrelation }, async () => {
      throw new WfloError('unknown_execution', 'there is no execution report:one');
    });
    await expect(handler(event, context)).rejects.toMatchObject({ code: 'unknown_execution' });
    expect(logged()).toEqual([
      expect.objectContaining({
        level: 'ERROR',
        outcome: 'failed',
        executionId: 'report:one',
        failure: expect.objectContaining({ name: 'WfloError', code: 'unknown_execution' }),
      }),
    ]);
  });

  it('keeps the ids of one invocation out of the next', async () => {
    const handler = platformHandler<{ readonly id?: string }, null>(
      { correlate: ({ id }) => (id === undefined ? {} : { executionId: id }) },
      async () => null,
    );
    await handler({ id: 'report:one' }, context);
    await handler({}, context);
    expect(logged().map(({ executionId }) => executionId)).toEqual(['report:one', undefined]);
  });

  it('handles an event whose ids cannot be read', async () => {
    const handler = platformHandler({ correlate: stepCorrelation }, async () => 'handled');
    expect(await handler({ executionId: 'x', step: 'no JSON' }, context)).toBe('handled');
  });

  it('publishes the metrics that were counted, also when the handler fails', async () => {
    const handler = platformHandler({}, async () => {
      metrics.addMetric('AuditGaps', 'Count', 2);
      throw new Error('no');
    });
    await expect(handler({}, context)).rejects.toThrow('no');
    const published = logged().find((line) => '_aws' in line);
    expect(published).toMatchObject({ AuditGaps: 2 });
    expect(JSON.stringify(published)).toContain('"Namespace":"Wflo"');
  });
});

describe('describeFailure', () => {
  it('does not quote a text that could not be parsed', () => {
    const failure = (() => {
      try {
        return JSON.parse(`{"token": ${SECRET}}`) as unknown;
      } catch (error) {
        return error;
      }
    })();
    expect(JSON.stringify(describeFailure(failure))).not.toContain(SECRET);
    expect(describeFailure(failure)).toMatchObject({ name: 'SyntaxError' });
  });

  it('says nothing of what is thrown and is no error', () => {
    expect(describeFailure(SECRET)).toEqual({ name: 'string' });
  });
});

describe('environment', () => {
  it('names the variable that is missing', () => {
    vi.stubEnv('STATE_TABLE', '');
    expect(() => environment('STATE_TABLE')).toThrowError(
      expect.objectContaining({ code: 'internal', message: expect.stringContaining('STATE_TABLE') }),
    );
    vi.stubEnv('STATE_TABLE', 'state');
    expect(environment('STATE_TABLE')).toBe('state');
  });

  it('has an endpoint for presigned URLs only where one is set', () => {
    vi.stubEnv('PRESIGN_ENDPOINT', '');
    expect(presignEndpoint()).toBeUndefined();
    vi.stubEnv('PRESIGN_ENDPOINT', 'https://127.0.0.1:4566');
    expect(presignEndpoint()).toBe('https://127.0.0.1:4566');
  });
});

describe('once', () => {
  it('makes a value when it is first asked for, and tries again after a failure', () => {
    let calls = 0;
    const value = once(() => {
      calls += 1;
      if (calls === 1) throw new Error('not yet');
      return { calls };
    });
    expect(value).toThrow('not yet');
    expect(value()).toBe(value());
    expect(calls).toBe(2);
  });
});

describe('stateMachines', () => {
  it('are in the account and region of the function', () => {
    vi.stubEnv('WFLO_STAGE', 'dev');
    vi.stubEnv('AWS_REGION', 'us-east-1');
    expect(stateMachines(context.invokedFunctionArn).executionArn('report:one')).toBe(
      'arn:aws:states:us-east-1:123456789012:execution:wflo-dev-report:one',
    );
    expect(() => stateMachines('no-arn')).toThrowError(expect.objectContaining({ code: 'internal' }));
  });
});
