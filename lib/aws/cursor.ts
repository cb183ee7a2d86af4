import { WfloError } from '../errors.ts';

const STARTED_KEY = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z#[a-z][a-z0-9-]{0,63}:[A-Za-z0-9_-]{1,80}$/;
const REQUESTED_KEY =
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z#[a-z][a-z0-9-]{0,63}:[A-Za-z0-9_-]{1,80}:[A-Za-z0-9_.-]{1,160}:\d{1,9}$/;
const HOLD_ID = '[A-Za-z0-9_.:-]{1,200}';
const ENTRY_POSITION = new RegExp(`^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z#${HOLD_ID}$`);
const HOLD_POSITION = new RegExp(
  `^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z#[a-z][a-z0-9-]{0,63}:[A-Za-z0-9_-]{1,80}#${HOLD_ID}$`,
);

/**
 * A cursor of a list of executions or approvals is the position (`startedKey`, `requestedKey`) of the last one that was
 * given out. It names no tenant: the query alone decides what is seen.
 */
export function encodePosition(position: string): string {
  return Buffer.from(position).toString('base64url');
}

/** Throws `invalid_request` for anything that is not a cursor of a list of executions. */
export function decodePosition(cursor: string): string {
  return decode(cursor, STARTED_KEY);
}

/** Throws `invalid_request` for anything that is not a cursor of a list of approvals. */
export function decodeApprovalPosition(cursor: string): string {
  return decode(cursor, REQUESTED_KEY);
}

/** Throws `invalid_request` for anything that is not a cursor of a list of ledger entries. */
export function decodeEntryPosition(cursor: string): string {
  return decode(cursor, ENTRY_POSITION);
}

/** Throws `invalid_request` for anything that is not a cursor of a list of holds. */
export function decodeHoldPosition(cursor: string): string {
  return decode(cursor, HOLD_POSITION);
}

function decode(cursor: string, shape: RegExp): string {
  const position = Buffer.from(cursor, 'base64url').toString();
  if (!shape.test(position) || encodePosition(position) !== cursor) {
    throw new WfloError('invalid_request', `"${cursor}" is not a cursor`, {
      fix: 'pass the cursor of the page before, as it was answered',
    });
  }
  return position;
}
