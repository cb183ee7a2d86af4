import type { ErrorCode } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { TaskState } from '../ports.ts';
import {
  EXIT_CODE_NOT_DELIVERED,
  EXIT_CODE_OUT_OF_MEMORY,
  EXIT_CODE_RUNNER_ERROR,
  type Exit,
  type ExitReason,
} from '../sandbox/exit.ts';
import type { CaughtError } from './machine.ts';

/** How an attempt ended of which nobody reported an outcome, and the code it fails with. */
export interface TaskEnd {
  readonly exit: Exit;
  readonly code: ErrorCode;
}

type Ended = Pick<TaskState, 'stopCode' | 'stoppedReason' | 'exitCode' | 'containerReason'>;

/** Longest text of AWS that is taken over into a message (characters). */
const QUOTED_CHARACTERS = 500;

/**
 * Classifies a sandbox that reported nothing. The task itself is believed first; the error that Run was caught with
 * is used where no task exists, or for the time limit of Run.
 */
export function classifyTaskEnd(task: TaskState | undefined, caught: CaughtError | undefined): TaskEnd {
  // On its way from running to STOPPED a task has its stop code already.
  if (task !== undefined && (task.lastStatus === 'STOPPED' || task.stopCode !== undefined))
    return classifyStopped(task);
  if (caught?.Error === 'States.Timeout') {
    return end(
      'lost',
      'sandbox_lost',
      null,
      'no outcome was reported within the time limit of the step and 15 minutes',
    );
  }
  if (task !== undefined)
    return end('lost', 'sandbox_lost', null, `the task is ${task.lastStatus}, and reported no outcome`);
  if (caught === undefined) return end('lost', 'sandbox_lost', null, 'the task ended without an outcome');
  const described = taskOfCause(caught.Cause);
  if (described !== undefined) return classifyStopped(described);
  // RunTask itself failed: no access, no capacity (`AmazonECS.Unknown`), throttled, an inactive revision.
  return end('runner_error', 'sandbox_not_started', null, `${caught.Error}: ${causeText(caught.Cause)}`);
}

/** ECS answered that it starts no task. Where its answer was lost, or it failed itself, one may run. */
export function wasRefusedByEcs(caught: CaughtError | undefined): boolean {
  const error = caught?.Error ?? '';
  return /^(AmazonECS|ECS)\./.test(error) && !/SdkClient|Server|Timeout/.test(error);
}

/** Classifies a function call that left no outcome. */
export function classifyCallEnd(caught: CaughtError | undefined): TaskEnd {
  if (caught === undefined) return end('lost', 'function_failed', null, 'the call ended without an outcome');
  return end('lost', 'function_failed', null, `${caught.Error}: ${causeText(caught.Cause)}`);
}

function classifyStopped(task: Ended): TaskEnd {
  const reason = task.stoppedReason ?? '';
  const texts = `${reason} ${task.containerReason ?? ''}`;
  // Whoever runs a task where ECS runs none (the local AWS) can end it by StopTask only, and says the code in the reason.
  const said = /(?:^|[\s;,(])exit=(\d{1,3})\b/.exec(reason)?.[1];
  const code = said === undefined ? (task.exitCode ?? null) : Number(said);
  const told = quote(task.containerReason ?? task.stoppedReason);

  if (/OutOfMemory/.test(texts)) {
    return end('out_of_memory', 'out_of_memory', EXIT_CODE_OUT_OF_MEMORY, `the sandbox ran out of memory${told}`);
  }
  if (/CannotPullContainer|CannotCreateContainer|CannotStartContainer|ResourceInitializationError/.test(texts)) {
    return end('image_error', 'image_error', null, `the image could not be pulled or started${quote(reason)}`);
  }
  if (task.stopCode === 'TaskFailedToStart') {
    const capacity = /capacity|RESOURCE:|insufficient|rate exceeded|throttl/i.test(texts);
    if (capacity)
      return end('runner_error', 'sandbox_not_started', null, `the task could not be placed${quote(reason)}`);
    return end('image_error', 'image_error', null, `the task could not be started${quote(reason)}`);
  }
  if (code === EXIT_CODE_RUNNER_ERROR) return end('runner_error', 'runner_error', code, `the runner failed${told}`);
  if (code === EXIT_CODE_NOT_DELIVERED) {
    return end('lost', 'sandbox_lost', code, 'the runner could not deliver its outcome');
  }
  // Out of memory is what the reason calls so. 137 alone is any SIGKILL: of the host, of a stop, of a person.
  const shown = code === null ? '' : ` with exit code ${code}${code === EXIT_CODE_OUT_OF_MEMORY ? ' (SIGKILL)' : ''}`;
  return end('lost', 'sandbox_lost', code, `the sandbox ended${shown} without an outcome${told}`);
}

/** The cause of a failed `.sync` task is the task as JSON, in the capitals of Step Functions. */
function taskOfCause(cause: string): Ended | undefined {
  const task = jsonObjectOf(cause);
  if (task === undefined || !(typeof task.StopCode === 'string' || typeof task.StoppedReason === 'string'))
    return undefined;
  const containers = Array.isArray(task.Containers) ? task.Containers.filter(isJsonObject) : [];
  const { ExitCode: exitCode, Reason: reason } = containers[0] ?? {};
  return {
    ...(typeof task.StopCode === 'string' ? { stopCode: task.StopCode } : {}),
    ...(typeof task.StoppedReason === 'string' ? { stoppedReason: task.StoppedReason } : {}),
    ...(typeof exitCode === 'number' ? { exitCode } : {}),
    ...(typeof reason === 'string' ? { containerReason: reason } : {}),
  };
}

/**
 * What a person should read of a cause of Step Functions. A cause that is JSON may hold a whole task with its
 * overrides, and a text may quote the state: only fields and parts known to be harmless are taken.
 */
export function causeText(cause: string | undefined): string {
  if (cause === undefined || cause === '') return 'no cause was given';
  const data = jsonObjectOf(cause);
  if (data === undefined) {
    if (/^\s*[[{"]/.test(cause)) return 'the cause is in the history of the execution';
    return shorten(cause.replace(/(in the|from) (input|context object|state input) '[\s\S]*$/, '$1 $2'));
  }
  const failures = Array.isArray(data.Failures) ? data.Failures.filter(isJsonObject) : [];
  const told = data.errorMessage ?? data.StoppedReason ?? failures[0]?.Reason;
  return typeof told === 'string' ? shorten(told) : 'the cause is in the history of the execution';
}

function jsonObjectOf(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function shorten(text: string): string {
  return text.length <= QUOTED_CHARACTERS ? text : `${text.slice(0, QUOTED_CHARACTERS)}…`;
}

function quote(text: string | undefined): string {
  return text === undefined || text === '' ? '' : `: ${shorten(text)}`;
}

function end(reason: ExitReason, code: ErrorCode, exitCode: number | null, message: string): TaskEnd {
  return { exit: { reason, code: exitCode, message }, code };
}
