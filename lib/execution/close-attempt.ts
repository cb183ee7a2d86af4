import type { ChangeOf, Expect } from '../ports.ts';
import type { AttemptRecord, LeaseRecord } from './records.ts';

/**
 * Takes the right to act away: calls under the old epoch are refused from then on. The sessions stay, so that whoever
 * had the right is told that it is gone (409), and not that nobody knows him (401).
 */
export function fenceLease(lease: LeaseRecord, expect: Expect<LeaseRecord> = {}): ChangeOf<'lease'> {
  return {
    item: 'lease',
    path: lease.path,
    attempt: lease.attempt,
    set: { status: 'fenced', epoch: lease.epoch + 1 },
    remove: ['checkAt'],
    expect: { ...expect, status: lease.status, epoch: lease.epoch },
  };
}

/** Whether somebody could still act under this lease. */
export function isLeaseLive(lease: LeaseRecord): boolean {
  return lease.status === 'offered' || lease.status === 'claimed';
}

/** Whether an attempt got its work: from there on it may have acted. */
export function wasClaimed(attempt: AttemptRecord): boolean {
  return attempt.claimedAt !== undefined;
}
