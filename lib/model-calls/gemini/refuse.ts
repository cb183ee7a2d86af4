import { refusalBudget, refusalHeaders, refusalText } from '../refusal-text.ts';
import type { CallRefusal, NativeAnswer } from '../wire-format.ts';

const STATUSES: { readonly [status: number]: string } = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  402: 'RESOURCE_EXHAUSTED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/**
 * As Google's APIs answer: `{ error: { code, message, status, details } }` with an `ErrorInfo`, whose metadata are texts,
 * and a `RetryInfo` where a retry may help. The SDK hands the whole JSON on as its message.
 */
export function refuseGemini(refusal: CallRefusal): NativeAnswer {
  const headers = refusalHeaders(refusal);
  const budget = Object.entries(refusalBudget(refusal) ?? {}).map(([name, value]) => [name, String(value)]);
  const retryAfter = headers['retry-after'];
  return {
    status: refusal.status,
    headers,
    body: JSON.stringify({
      error: {
        code: refusal.status,
        message: refusalText(refusal),
        status: STATUSES[refusal.status] ?? 'UNKNOWN',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: refusal.code.toUpperCase(),
            domain: 'wflo',
            metadata: Object.fromEntries(budget),
          },
          ...(retryAfter === undefined
            ? []
            : [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retryAfter}s` }]),
        ],
      },
    }),
  };
}
