import { type ErrorCode, WfloError } from '../../lib/errors.ts';
import type { ProtocolError } from '../../lib/sandbox/protocol.ts';

/** The same call may succeed in a moment: the runner sees 503. */
export class TryAgain extends Error {
  override readonly name = 'TryAgain';
}

const STATUS: { readonly [C in ErrorCode]?: 400 | 401 | 403 | 409 } = {
  invalid_request: 400,
  invalid_session: 401,
  claim_refused: 403,
  approval_stale: 409,
  claim_conflict: 409,
  execution_closed: 409,
  frozen: 409,
  late_result: 409,
  not_approved: 409,
  payload_changed: 409,
  stale_epoch: 409,
};

export interface ErrorAnswer {
  readonly status: 400 | 401 | 403 | 409 | 500 | 503;
  readonly body: ProtocolError;
}

/** What a runner is told. Unexpected failures say nothing of what is inside. */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof TryAgain) {
    return { status: 503, body: { error: { code: 'try_again', message: error.message } } };
  }
  const status = WfloError.is(error) ? STATUS[error.code] : undefined;
  if (!WfloError.is(error) || status === undefined) {
    return { status: 500, body: { error: { code: 'internal', message: 'an unexpected failure' } } };
  }
  return { status, body: { error: { code: error.code, message: error.message } } };
}
