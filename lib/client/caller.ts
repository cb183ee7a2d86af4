import { setTimeout as sleep } from 'node:timers/promises';
import { errorOfResponse, isWorthRetrying, unreachable } from './api-error.ts';
import { MAX_TRIES, retryDelayMs } from './retry.ts';
import { type ApiCall, type ApiEndpoint, type ApiResponse, NoAnswer, sendSigned } from './signed-request.ts';

export interface ClientOptions extends ApiEndpoint {
  /** What to do when the API cannot be reached; told with the error `unreachable`. */
  readonly unreachableFix?: string;
  /** Waits before a repeated call; tests pass one that does not. */
  readonly pause?: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface RepeatableCall extends ApiCall {
  /** A repeat of what was done is refused, and would be told as the outcome: only what was throttled is sent again. */
  readonly once?: true;
}

export interface Caller {
  /** The answer of a call that succeeded; throws a `WfloError` for every other. */
  call(request: RepeatableCall, signal: AbortSignal | undefined): Promise<ApiResponse>;
  /** Its JSON. */
  ask<T>(request: RepeatableCall, signal: AbortSignal | undefined): Promise<T>;
}

export function createCaller(options: ClientOptions): Caller {
  const pause =
    options.pause ??
    (async (milliseconds, signal) => {
      await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
    });

  async function call(request: RepeatableCall, signal: AbortSignal | undefined): Promise<ApiResponse> {
    for (let tries = 1; ; tries++) {
      const response = await sendSigned(options, request, signal).catch((error: unknown) => {
        if (error instanceof NoAnswer) return error;
        throw error;
      });
      if (response instanceof NoAnswer) {
        if (response.transient && request.once) throw unreachable(options.url, response, MAYBE_DONE);
        if (!response.transient || tries === MAX_TRIES)
          throw unreachable(options.url, response, options.unreachableFix);
      } else {
        if (response.status < 300) return response;
        const again = request.once ? response.status === 429 : isWorthRetrying(response.status);
        if (!again || tries === MAX_TRIES) throw errorOfResponse(response);
      }
      await pause(retryDelayMs(tries, Math.random()), signal);
    }
  }

  return {
    call,
    ask: async <T>(request: RepeatableCall, signal: AbortSignal | undefined) =>
      JSON.parse((await call(request, signal)).text) as T,
  };
}

const MAYBE_DONE = 'it may have been done nevertheless: look before you repeat it';
