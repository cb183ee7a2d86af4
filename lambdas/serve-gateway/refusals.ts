import { type ErrorCode, WfloError } from '../../lib/errors.ts';
import { ledgerBusy, ledgerUnreachable } from '../../lib/model-calls/refusals.ts';
import type { CallRefusal } from '../../lib/model-calls/wire-format.ts';

/** Of what can be thrown while a call is prepared, or is refused before there is anything to reserve. */
const STATUS: { readonly [C in ErrorCode]?: number } = {
  invalid_request: 400,
  unpriced_feature: 400,
  invalid_session: 401,
  model_not_allowed: 403,
  unknown_model: 404,
  stale_epoch: 409,
  provider_failed: 502,
  provider_not_configured: 503,
};

const BUSY_SECONDS = 2;

/** What an agent is told. Unexpected failures say nothing of what is inside. */
export function refusalOfError(error: unknown): CallRefusal {
  if (WfloError.is(error)) {
    if (error.code === 'ledger_busy') return ledgerBusy(BUSY_SECONDS);
    if (error.code === 'ledger_unreachable') return ledgerUnreachable();
    const fix = error.fix === undefined ? {} : { fix: error.fix };
    if (STATUS[error.code] !== undefined) return refusal(error.code, error.message, fix);
  }
  return refusal('internal', 'an unexpected failure of the gateway');
}

export function refusal(
  code: ErrorCode,
  message: string,
  more: Partial<Pick<CallRefusal, 'fix' | 'retryAfterSeconds' | 'status'>> = {},
): CallRefusal {
  return { code, message, status: STATUS[code] ?? 503, ...more };
}
