import type { Clock } from '../ports.ts';

const DAY_SECONDS = 24 * 60 * 60;

/** Attribute of the State table with the time of expiry. Not `expiresAt`, which leases and approvals have for themselves. */
export const FORGET_AT = 'forgetAt';

export interface Retention {
  readonly clock: Clock;
  /** How long a record is kept after its last write. */
  readonly retentionDays: number;
}

/** When a record that is written now expires, in seconds since 1970. */
export function recordExpiry({ clock, retentionDays }: Retention): number {
  return fromNow(clock, retentionDays);
}

/** When a value that is put now expires, in seconds since 1970. */
export function valueExpiry({ clock, retentionDays }: Retention): number {
  return fromNow(clock, valueDays(retentionDays));
}

/**
 * Days that a value is kept. It is put once, and records name it until the end of the execution, which may be almost
 * `retentionDays` later; the last of these records is kept for `retentionDays` from then on.
 */
export function valueDays(retentionDays: number): number {
  return 2 * retentionDays;
}

function fromNow(clock: Clock, days: number): number {
  return Math.floor(clock.now().getTime() / 1000) + days * DAY_SECONDS;
}
