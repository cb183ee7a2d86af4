import { timingSafeEqual } from 'node:crypto';
import type { ErrorCode } from '../errors.ts';
import type { LeaseRecord, Session } from '../execution/records.ts';
import { sha256 } from '../json.ts';
import { LEASE_SILENT_SECONDS, SESSION_SECONDS } from './protocol.ts';

/** `completed` is allowed through, so that a repeated completion can be answered; every other call refuses it. */
export type SessionDecision =
  | { readonly kind: 'live' | 'completed'; readonly presented: Session }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string };

/**
 * Whether a token and an epoch still are the right to act. The token comes first: who has none learns nothing of the
 * lease.
 */
export function decideSession(
  lease: LeaseRecord | undefined,
  facts: { readonly token: string; readonly epoch: number; readonly now: Date },
): SessionDecision {
  const hash = sha256(facts.token);
  const presented = [lease?.session, lease?.previousSession].find(
    (session) => session !== undefined && equalHashes(session.tokenHash, hash),
  );
  if (lease === undefined || presented === undefined) {
    return { kind: 'refused', code: 'invalid_session', message: 'the session token is unknown' };
  }
  if (!(facts.now.getTime() < Date.parse(presented.expiresAt))) {
    return { kind: 'refused', code: 'invalid_session', message: `the session ended at ${presented.expiresAt}` };
  }
  if (lease.epoch !== facts.epoch || lease.status === 'fenced' || lease.status === 'offered') {
    return {
      kind: 'refused',
      code: 'stale_epoch',
      message: `the lease is ${lease.status} at epoch ${lease.epoch}, the call has epoch ${facts.epoch}`,
    };
  }
  return { kind: lease.status === 'completed' ? 'completed' : 'live', presented };
}

/** What is stored of a new session; the token itself goes to the runner only. */
export function sessionOf(token: string, now: Date): Session {
  return {
    tokenHash: sha256(token),
    expiresAt: new Date(now.getTime() + SESSION_SECONDS * 1000).toISOString(),
  };
}

/** A token is renewed once half of its life is over, and at once where the runner did not get the newer one. */
export function isRenewalDue(lease: LeaseRecord, presented: Session, now: Date): boolean {
  if (lease.session?.tokenHash !== presented.tokenHash) return true;
  return Date.parse(presented.expiresAt) - now.getTime() <= (SESSION_SECONDS / 2) * 1000;
}

/** When a lease that was heard of at `now` is looked at again. */
export function leaseCheckAt(now: Date): string {
  return new Date(now.getTime() + LEASE_SILENT_SECONDS * 1000).toISOString();
}

function equalHashes(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
