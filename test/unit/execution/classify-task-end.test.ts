import { describe, expect, it } from 'vitest';
import { causeText, classifyCallEnd, classifyTaskEnd } from '../../../lib/execution/classify-task-end.ts';
import type { TaskState } from '../../../lib/ports.ts';

const task = (fields: Partial<TaskState>): TaskState => ({
  taskArn: 'arn:aws:ecs:us-east-1:123456789012:task/wflo-dev/1',
  taskDefinitionArn: 'arn:aws:ecs:us-east-1:123456789012:task-definition/sandbox:1',
  clusterArn: 'arn:aws:ecs:us-east-1:123456789012:cluster/wflo-dev',
  lastStatus: 'STOPPED',
  environment: {},
  ...fields,
});

describe('classifyTaskEnd', () => {
  it.each<[string, Partial<TaskState>, string, string, number | null]>([
    [
      'memory that ran out, by the reason of the container',
      {
        stopCode: 'EssentialContainerExited',
        exitCode: 137,
        containerReason: 'OutOfMemoryError: Container killed due to memory usage',
      },
      'out_of_memory',
      'out_of_memory',
      137,
    ],
    [
      'a kill that nobody asked for',
      { stopCode: 'EssentialContainerExited', exitCode: 137 },
      'lost',
      'sandbox_lost',
      137,
    ],
    ['a kill after StopTask', { stopCode: 'UserInitiated', exitCode: 137 }, 'lost', 'sandbox_lost', 137],
    ['a spot interruption', { stopCode: 'SpotInterruption', exitCode: 137 }, 'lost', 'sandbox_lost', 137],
    [
      'an image that cannot be pulled',
      { stopCode: 'TaskFailedToStart', stoppedReason: 'CannotPullContainerError: pull access denied' },
      'image_error',
      'image_error',
      null,
    ],
    [
      'an image that cannot be pulled, as the local AWS says it',
      {
        stopCode: 'TaskFailedToStart',
        stoppedReason: 'ResourceInitializationError: unable to pull image or start container: no',
      },
      'image_error',
      'image_error',
      null,
    ],
    [
      'a task that cannot be placed',
      { stopCode: 'TaskFailedToStart', stoppedReason: 'Capacity is unavailable at this time' },
      'runner_error',
      'sandbox_not_started',
      null,
    ],
    [
      'a task that cannot be started',
      { stopCode: 'TaskFailedToStart', stoppedReason: 'Timeout waiting for network interface' },
      'image_error',
      'image_error',
      null,
    ],
    [
      'a runner that failed',
      { stopCode: 'EssentialContainerExited', exitCode: 64 },
      'runner_error',
      'runner_error',
      64,
    ],
    [
      'an outcome that was not delivered',
      { stopCode: 'EssentialContainerExited', exitCode: 75 },
      'lost',
      'sandbox_lost',
      75,
    ],
    ['a good end without an outcome', { stopCode: 'EssentialContainerExited', exitCode: 0 }, 'lost', 'sandbox_lost', 0],
    [
      'an exit code in the reason of StopTask',
      { stopCode: 'UserInitiated', stoppedReason: 'runner ended: exit=64', exitCode: 0 },
      'runner_error',
      'runner_error',
      64,
    ],
    [
      'a kill in the reason of StopTask',
      { stopCode: 'UserInitiated', stoppedReason: 'exit=137', exitCode: 0 },
      'lost',
      'sandbox_lost',
      137,
    ],
    [
      'memory in the reason of StopTask',
      { stopCode: 'UserInitiated', stoppedReason: 'OutOfMemory exit=137', exitCode: 0 },
      'out_of_memory',
      'out_of_memory',
      137,
    ],
    [
      'a task on its way to STOPPED',
      { lastStatus: 'DEPROVISIONING', stopCode: 'EssentialContainerExited', exitCode: 64 },
      'runner_error',
      'runner_error',
      64,
    ],
    ['a task that still runs', { lastStatus: 'RUNNING' }, 'lost', 'sandbox_lost', null],
  ])('sees %s', (_, fields, reason, code, exitCode) => {
    expect(classifyTaskEnd(task(fields), undefined)).toMatchObject({ exit: { reason, code: exitCode }, code });
  });

  it('believes the task before the error of Run', () => {
    const caught = { Error: 'States.Timeout', Cause: '' };
    expect(classifyTaskEnd(task({ exitCode: 64 }), caught)).toMatchObject({ code: 'runner_error' });
  });

  it('takes a time-out of Run as lost: the runner enforces the limit of the step and would have told', () => {
    const caught = { Error: 'States.Timeout', Cause: '' };
    expect(classifyTaskEnd(task({ lastStatus: 'RUNNING' }), caught)).toMatchObject({ exit: { reason: 'lost' } });
    expect(classifyTaskEnd(undefined, caught)).toMatchObject({ exit: { reason: 'lost' } });
  });

  it('reads the task out of the cause where it cannot be described any more', () => {
    const cause = {
      StopCode: 'EssentialContainerExited',
      StoppedReason: 'Essential container in task exited',
      Containers: [{ ExitCode: 137, Reason: 'OutOfMemoryError' }],
      Overrides: { ContainerOverrides: [{ Environment: [{ Name: 'WFLO_CODE', Value: 'secret' }] }] },
    };
    const end = classifyTaskEnd(undefined, { Error: 'States.TaskFailed', Cause: JSON.stringify(cause) });
    expect(end).toMatchObject({ exit: { reason: 'out_of_memory' } });
    expect(JSON.stringify(end)).not.toContain('secret');
  });

  it.each([
    ['ECS.AccessDeniedException', 'User: arn is not authorized to perform: ecs:RunTask'],
    ['AmazonECS.Unknown', '{"Failures":[{"Reason":"RESOURCE:MEMORY"}],"Tasks":[]}'],
    ['ECS.InvalidParameterException', 'TaskDefinition is inactive'],
  ])('says why RunTask was refused: %s', (name, cause) => {
    const end = classifyTaskEnd(undefined, { Error: name, Cause: cause });
    expect(end.code).toBe('sandbox_not_started');
    expect(end.exit.message).toContain(name);
    expect(end.exit.message).toMatch(/not authorized|RESOURCE:MEMORY|inactive/);
  });

  it('loses a task that vanished', () => {
    expect(classifyTaskEnd(undefined, undefined)).toMatchObject({ exit: { reason: 'lost' }, code: 'sandbox_lost' });
  });
});

describe('classifyCallEnd', () => {
  it('loses a call that left no outcome, with the reason where there is one', () => {
    expect(classifyCallEnd(undefined)).toMatchObject({ exit: { reason: 'lost' }, code: 'function_failed' });
    const caught = { Error: 'Runtime.HandlerError', Cause: '{"errorMessage":"Worker process died","errorType":"x"}' };
    expect(classifyCallEnd(caught).exit.message).toBe('Runtime.HandlerError: Worker process died');
  });
});

describe('causeText', () => {
  it('takes over nothing of the state that a cause quotes', () => {
    const cause = 'The JSONPath \'$.a\' could not be found in the input \'{"step":{"code":"secret"}}\'';
    expect(causeText(cause)).toBe("The JSONPath '$.a' could not be found in the input");
    expect(causeText('{"TaskArn":"x","Overrides":"secret"}')).not.toContain('secret');
    expect(causeText('{"cut off by AWS": "secret')).not.toContain('secret');
  });

  it('is short', () => {
    expect(causeText('x'.repeat(10_000)).length).toBeLessThanOrEqual(501);
  });
});
