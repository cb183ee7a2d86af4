import { WfloError } from '../errors.ts';

const STARTED_KEY = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z#[a-z][a-z0-9-]{0,63}:[A-Za-z0-9_-]{1,80}$/;

/**
 * A cursor of a list of executions is the position (`startedKey`) of the last one that was given out. It names no tenant:
 * the query alone decides what is seen.
 */
export function encodePosition(startedKey: string): string {
  return Buffer.from(startedKey).toString('base64url');
}

/** Throws `invalid_request` for anything that `encodePosition` did not make. */
export function decodePosition(cursor: string): string {
  const startedKey = Buffer.from(cursor, 'base64url').toString();
  if (!STARTED_KEY.test(startedKey) || encodePosition(startedKey) !== cursor) {
    throw new WfloError('invalid_request', `"${cursor}" is not a cursor`, {
      fix: 'pass the cursor of the page before, as it was answered',
    });
  }
  return startedKey;
}
