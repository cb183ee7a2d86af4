import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { isJsonObject, type Json } from '../json.ts';
import type { StepFunctionInvoker } from '../ports.ts';
import type { StepFunctionEvent } from '../workflow/step-function-event.ts';

/** What a call may take beyond the function's own time: its cold start and the way. */
const MARGIN_SECONDS = 30;
const MAX_MESSAGE = 4096;

/**
 * The client for step functions. It never repeats a call by itself: a call whose answer was lost may have acted, and
 * whether it may be repeated is decided by the step's own declaration.
 */
export function stepFunctionClient(): LambdaClient {
  return new LambdaClient({ maxAttempts: 1 });
}

/** `client` comes from `stepFunctionClient`. A call that AWS did not answer throws. */
export function lambdaInvoker(options: {
  readonly client: LambdaClient;
  readonly marginSeconds?: number;
}): StepFunctionInvoker {
  const { client, marginSeconds = MARGIN_SECONDS } = options;
  return {
    async invoke(FunctionName, input, context, timeoutSeconds) {
      const { idempotencyKey, executionId, stepPath, attempt } = context;
      const event: StepFunctionEvent = { input, idempotencyKey, executionId, stepPath, attempt };
      // Past its own time limit the function has ended, and nobody knows how: the call throws, as any that was not answered.
      const abortSignal = AbortSignal.timeout(Math.ceil((timeoutSeconds + marginSeconds) * 1000));
      const { FunctionError, Payload } = await client.send(
        new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)) }),
        { abortSignal },
      );
      const text = Payload === undefined ? '' : Buffer.from(Payload).toString();
      // A function that returns nothing answers `null`, or nothing at all.
      if (FunctionError === undefined) return { ok: true, output: text === '' ? null : (JSON.parse(text) as Json) };
      return { ok: false, ...functionError(text) };
    },
  };
}

/** Lambda reports a time-out as error `Sandbox.Timedout`, and in older runtimes in the message alone. */
function functionError(payload: string): { readonly timedOut: boolean; readonly message: string } {
  const { errorType, errorMessage } = errorFields(payload);
  return {
    timedOut: errorType === 'Sandbox.Timedout' || /Task timed out after \d/.test(errorMessage),
    message: errorMessage.slice(0, MAX_MESSAGE),
  };
}

function errorFields(payload: string): { readonly errorType: string; readonly errorMessage: string } {
  try {
    const parsed = JSON.parse(payload) as Json;
    if (isJsonObject(parsed)) {
      return { errorType: String(parsed.errorType ?? ''), errorMessage: String(parsed.errorMessage ?? payload) };
    }
  } catch {
    // Not JSON: the text is the message.
  }
  return { errorType: '', errorMessage: payload };
}
