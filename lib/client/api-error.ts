import { ERROR_CODES, type ErrorCode, WfloError } from '../errors.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { ApiResponse } from './signed-request.ts';

/** Statuses after which the same call may succeed: throttled, or a failure on the other side. */
export function isWorthRetrying(status: number): boolean {
  return status === 429 || status >= 500;
}

/** The error of an answer other than 2xx: of the control API itself, or of API Gateway before it. */
export function errorOfResponse({ status, text }: ApiResponse): WfloError {
  const body = parsed(text);
  const error = isJsonObject(body) ? body.error : undefined;
  if (isJsonObject(error ?? null)) return errorOfApi(error as { readonly [key: string]: Json });
  const message = isJsonObject(body) ? (body.message ?? body.Message) : undefined;
  const said = typeof message === 'string' ? `: ${message}` : '';
  if (status === 401 || status === 403) {
    return new WfloError('forbidden', `the control API refused the credentials${said}`, {
      fix: 'use credentials that may call execute-api:Invoke on this API, and check that they have not expired',
    });
  }
  return new WfloError('unreachable', `the control API answered ${status}${said}`, {
    fix: 'try again; `wflo doctor` checks the deployment',
    details: { status },
  });
}

function errorOfApi(error: { readonly [key: string]: Json }): WfloError {
  const code = String(error.code);
  const message = String(error.message);
  const options = {
    ...(typeof error.fix === 'string' ? { fix: error.fix } : {}),
    ...(error.details === undefined ? {} : { details: error.details }),
  };
  if (Object.hasOwn(ERROR_CODES, code)) return new WfloError(code as ErrorCode, message, options);
  // A newer deployment may know codes that this client does not.
  return new WfloError('internal', `${code}: ${message}`, options);
}

export function unreachable(url: string, cause: Error, fix = 'check the network, and try again'): WfloError {
  const message = `the control API at ${new URL(url).host} cannot be reached: ${cause.message}`;
  return new WfloError('unreachable', message, { fix, cause });
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}
