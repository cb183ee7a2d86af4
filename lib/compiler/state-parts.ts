import type { JsonObject } from '../json.ts';

export type States = { readonly [name: string]: JsonObject };

/** A handler's event, each field literal or, with `.$`, a path. */
export type Payload<E> = { readonly [K in keyof E & string as K | `${K}.$`]?: string | number };

/** Above the time limit of every handler function, so that the function's own limit is met first. */
const HANDLER_TIMEOUT_SECONDS = 120;

/**
 * A worker that is lost is back within seconds. A throttle lasts as long as others hold the concurrency of the account,
 * which is 10 in a new one: seven repeats wait a minute on average, and two at most.
 */
const BACKOFF = { IntervalSeconds: 1, BackoffRate: 2, MaxAttempts: 7, MaxDelaySeconds: 60, JitterStrategy: 'FULL' };

/** For a lost worker or a throttled call. What a handler decides is data, never an error. */
export const HANDLER_RETRY: readonly JsonObject[] = [
  { ErrorEquals: ['States.TaskFailed', 'States.Timeout'], ...BACKOFF },
];

/** For a state that waits: the end of its time is no failure. */
export const WAITING_RETRY: readonly JsonObject[] = [{ ErrorEquals: ['States.TaskFailed'], ...BACKOFF }];

/** A Lambda state that keeps exactly these fields of the handler's answer. */
export function handler(placeholder: string, payload: object, answer: readonly string[], rest: JsonObject): JsonObject {
  return {
    ...invoke(placeholder, payload),
    TimeoutSeconds: HANDLER_TIMEOUT_SECONDS,
    ResultSelector: Object.fromEntries(answer.map((field) => [`${field}.$`, `$.Payload.${field}`])),
    Retry: HANDLER_RETRY,
    ...rest,
  };
}

export function invoke(placeholder: string, payload: object, pattern: '' | '.waitForTaskToken' = ''): JsonObject {
  return {
    Type: 'Task',
    Resource: `arn:aws:states:::lambda:invoke${pattern}`,
    Parameters: { FunctionName: `\${${placeholder}}`, Payload: { ...payload } },
  };
}

export function choice(choices: readonly JsonObject[], otherwise: string): JsonObject {
  return { Type: 'Choice', Choices: choices, Default: otherwise };
}

export function fail(error: string): JsonObject {
  return { Type: 'Fail', ErrorPath: `${error}.code`, CausePath: `${error}.message` };
}
