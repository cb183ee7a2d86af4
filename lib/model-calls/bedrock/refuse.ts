import { refusalBudget, refusalHeaders, refusalText } from '../refusal-text.ts';
import type { CallRefusal, NativeAnswer } from '../wire-format.ts';

/** The exceptions of the Bedrock runtime, by the status of the refusal, and the status that they come with. */
const EXCEPTIONS: { readonly [status: number]: readonly [type: string, status: number] } = {
  400: ['ValidationException', 400],
  401: ['AccessDeniedException', 401],
  402: ['ServiceQuotaExceededException', 402],
  403: ['AccessDeniedException', 403],
  404: ['ResourceNotFoundException', 404],
  409: ['ConflictException', 409],
  413: ['ValidationException', 413],
  429: ['ThrottlingException', 429],
  502: ['InternalServerException', 502],
  503: ['ServiceUnavailableException', 503],
  // The AWS SDKs retry every 504, but not this, and the call behind it is still being paid for.
  504: ['ModelTimeoutException', 408],
};

/**
 * `{ message }` with the exception's name in `x-amzn-errortype`, by which every AWS SDK knows it (none may be in a member
 * `code` of the body, which some take for the name). A budget is a `ServiceQuotaExceededException`, which AWS models with
 * 400; here it comes with 402 like everywhere in the gateway. No SDK retries either: botocore's legacy and standard modes
 * and the JavaScript SDK retry 429, 500, 502, 503, 504 (and 509) and a list of codes of throttling, in which this one is
 * not. None of them reads `x-should-retry`.
 */
export function refuseBedrock(refusal: CallRefusal): NativeAnswer {
  const budget = refusalBudget(refusal);
  const [type, status] = EXCEPTIONS[refusal.status] ?? ['InternalServerException', refusal.status];
  return {
    status,
    headers: { ...refusalHeaders(refusal), 'x-amzn-errortype': type },
    body: JSON.stringify({
      message: refusalText(refusal),
      wfloError: refusal.code,
      ...(budget === undefined ? {} : { budget }),
    }),
  };
}
