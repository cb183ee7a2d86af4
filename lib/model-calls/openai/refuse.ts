import { refusalBudget, refusalHeaders, refusalText } from '../refusal-text.ts';
import type { CallRefusal, NativeAnswer } from '../wire-format.ts';

/** As the SDKs read it: `{ error: { message, type, param, code } }`; they hand `error` on whole, so `budget` is in it too. */
export function refuseOpenai(refusal: CallRefusal): NativeAnswer {
  const budget = refusalBudget(refusal);
  return {
    status: refusal.status,
    headers: refusalHeaders(refusal),
    body: JSON.stringify({
      error: {
        message: refusalText(refusal),
        type: typeOf(refusal),
        param: null,
        code: refusal.code,
        ...(budget === undefined ? {} : { budget }),
      },
    }),
  };
}

function typeOf({ status, budget }: CallRefusal): string {
  if (budget !== undefined || status === 402) return 'insufficient_quota';
  switch (status) {
    case 401:
      return 'authentication_error';
    case 403:
      return 'permission_error';
    case 429:
      return 'rate_limit_error';
    default:
      return status >= 500 ? 'server_error' : 'invalid_request_error';
  }
}
