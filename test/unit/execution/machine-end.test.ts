import { describe, expect, it } from 'vitest';
import { endEvent, endingOfMachine, finalError, timeoutSecondsOf } from '../../../lib/execution/machine-end.ts';

describe('endingOfMachine', () => {
  it('takes code and message of our own Fail states', () => {
    const ending = endingOfMachine({
      status: 'FAILED',
      error: 'agent_failed',
      cause: '"write" ended with exit code 3',
    });
    expect(ending).toMatchObject({
      status: 'failed',
      error: { code: 'agent_failed', message: '"write" ended with exit code 3' },
    });
  });

  it('makes a missing permission readable', () => {
    const cause = 'User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: lambda:InvokeFunction';
    expect(endingOfMachine({ status: 'FAILED', error: 'Lambda.AWSLambdaException', cause }).error).toMatchObject({
      code: 'forbidden',
      message: `Lambda.AWSLambdaException: ${cause}`,
      fix: expect.any(String),
    });
    const thrown = JSON.stringify({ errorType: 'AccessDeniedException', errorMessage: `AccessDenied: ${cause}` });
    expect(endingOfMachine({ status: 'FAILED', error: 'States.TaskFailed', cause: thrown }).error).toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('lambda:InvokeFunction'),
    });
  });

  it('calls any other error of AWS by its name', () => {
    expect(endingOfMachine({ status: 'FAILED', error: 'States.Runtime', cause: 'bad path' }).error).toEqual({
      code: 'internal',
      message: 'States.Runtime: bad path',
    });
    expect(endingOfMachine({ status: 'FAILED' }).error?.code).toBe('internal');
  });

  it('takes a stop past the control API as cancelled by somebody unproven', () => {
    expect(endingOfMachine({ status: 'ABORTED', error: 'x', cause: 'wrong table' })).toEqual({
      status: 'cancelled',
      actor: { type: 'unverified', id: 'unknown', via: 'step-functions' },
      reason: 'stopped in Step Functions: wrong table',
    });
  });

  it('does not believe a success that Close has not recorded', () => {
    expect(endingOfMachine({ status: 'SUCCEEDED' })).toMatchObject({ status: 'failed', error: { code: 'internal' } });
  });
});

describe('the end of an execution', () => {
  const actor = { type: 'person', id: 'ada', via: 'api' } as const;

  it('has no error when it was cancelled, and says who and why', () => {
    const ending = { status: 'cancelled', actor, reason: 'enough' } as const;
    expect(finalError(ending, 60)).toBeUndefined();
    expect(endEvent(ending, 60)).toEqual({ type: 'workflow.cancelled', actor, data: { reason: 'enough' } });
  });

  it('names the limit when it timed out', () => {
    const ending = { status: 'timed_out', actor, reason: 'late' } as const;
    expect(finalError(ending, 60)).toMatchObject({ code: 'timed_out', message: expect.stringContaining('60 seconds') });
    expect(endEvent(ending, 60)).toMatchObject({ type: 'workflow.timed_out', data: { timeoutSeconds: 60 } });
  });

  it('is over its budget where a budget did not suffice, with or without an error of its own', () => {
    const ending = { status: 'budget_exceeded', actor, reason: 'too little is left' } as const;
    const error = { code: 'budget_exceeded', message: 'too little is left' } as const;
    expect(finalError(ending, 60)).toEqual(error);
    expect(endEvent(ending, 60)).toEqual({ type: 'workflow.budget_exceeded', actor, data: { error } });
    const own = { ...error, stepPath: 'write' };
    expect(endEvent({ ...ending, error: own }, 60)).toMatchObject({ data: { error: own } });
  });

  it('has the error that ended it', () => {
    const error = { code: 'agent_failed', message: 'exit code 3', stepPath: 'write' } as const;
    const ending = { status: 'failed', actor, reason: 'step write failed', error } as const;
    expect(endEvent(ending, 60)).toMatchObject({ type: 'workflow.failed', data: { error } });
  });

  it('knows the limit from the record', () => {
    const startedAt = '2026-01-01T00:00:00.000Z';
    expect(timeoutSecondsOf({ startedAt, timeoutAt: '2026-01-01T01:00:00.000Z' })).toBe(3600);
    expect(timeoutSecondsOf({ startedAt })).toBe(0);
  });
});
