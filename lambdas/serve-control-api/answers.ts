import { type ErrorCode, type ErrorData, toErrorData, WfloError } from '../../lib/errors.ts';

export type ErrorStatus = 400 | 403 | 404 | 409 | 500;

const STATUS_OF_CODE: { readonly [C in ErrorCode]?: ErrorStatus } = {
  forbidden: 403,
  unknown_workflow: 404,
  unknown_execution: 404,
  unknown_route: 404,
  name_conflict: 409,
  name_reused: 409,
  execution_closed: 409,
  // What the caller cannot mend.
  payload_changed: 500,
  internal: 500,
};

/** How an error leaves the API. What was not foreseen is told by request id only: its text may hold internals. */
export function errorAnswer(error: unknown, requestId: string): { status: ErrorStatus; body: { error: ErrorData } } {
  const status = WfloError.is(error) ? (STATUS_OF_CODE[error.code] ?? 400) : 500;
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
