import { type ErrorCode, type ErrorData, toErrorData, WfloError } from '../../lib/errors.ts';

export type ErrorStatus = 400 | 403 | 404 | 409 | 429 | 500;

const STATUS_OF_CODE: { readonly [C in ErrorCode]?: ErrorStatus } = {
  forbidden: 403,
  requester_may_not_raise: 403,
  unknown_hold: 404,
  not_an_approver: 403,
  requester_may_not_decide: 403,
  unknown_workflow: 404,
  unknown_execution: 404,
  unknown_approval: 404,
  unknown_person: 404,
  unknown_group: 404,
  unknown_route: 404,
  name_conflict: 409,
  name_reused: 409,
  execution_closed: 409,
  already_decided: 409,
  approval_expired: 409,
  approval_rejected: 409,
  approval_stale: 409,
  approval_mismatch: 409,
  frozen: 409,
  person_exists: 409,
  already_bootstrapped: 409,
  last_administrator: 409,
  approvers_missing: 409,
  too_many_executions: 429,
  ledger_busy: 429,
  // The client calls again.
  ledger_unreachable: 500,
  // What the caller cannot mend.
  payload_changed: 500,
  internal: 500,
};

/**
 * How an error leaves the API. What was not foreseen is told by request id only: its text may hold internals.
 * `isPerson`: whether the caller is linked to a person; to nobody, `unknown_person` is about the caller.
 */
export function errorAnswer(
  error: unknown,
  requestId: string,
  isPerson: boolean,
): { status: ErrorStatus; body: { error: ErrorData } } {
  const status = statusOf(error, isPerson);
  if (status === 500) {
    const code = WfloError.is(error) ? error.code : 'internal';
    const message = `the control API failed unexpectedly (request ${requestId})`;
    return {
      status,
      body: { error: { code, message, fix: 'look for this request id in the log group of serve-control-api' } },
    };
  }
  return { status, body: { error: toErrorData(error) } };
}

function statusOf(error: unknown, isPerson: boolean): ErrorStatus {
  if (!WfloError.is(error)) return 500;
  if (error.code === 'unknown_person' && !isPerson) return 403;
  return STATUS_OF_CODE[error.code] ?? 400;
}
