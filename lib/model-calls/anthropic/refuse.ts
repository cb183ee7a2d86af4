import { refusalBudget, refusalHeaders, refusalText } from '../refusal-text.ts';
import type { CallRefusal, NativeAnswer } from '../wire-format.ts';

/** The types of error that Anthropic's SDKs know, by the status that they come with. */
const TYPES: { readonly [status: number]: string } = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
};

/**
 * `{ type: 'error', error: { type, message, details }, request_id }`: the SDKs read `details.error_code` as the stable code
 * of an error. A missing price is no `billing_error`, which only a budget is.
 */
export function refuseAnthropic(refusal: CallRefusal): NativeAnswer {
  const budget = refusalBudget(refusal);
  return {
    status: refusal.status,
    headers: refusalHeaders(refusal),
    body: JSON.stringify({
      type: 'error',
      error: {
        type: TYPES[refusal.status] ?? 'api_error',
        message: refusalText(refusal),
        details: { error_code: refusal.code, ...(budget === undefined ? {} : { budget }) },
      },
      request_id: null,
    }),
  };
}
