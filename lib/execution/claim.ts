import type { ErrorCode } from '../errors.ts';
import type { Change } from '../ports.ts';
import { CLAIM_REPEAT_SECONDS } from '../sandbox/protocol.ts';
import type { AttemptRecord, ExecutionRecord, LeaseRecord } from './records.ts';
import { ACTIVE, isActive, isFinal } from './status.ts';

/** The stored records, read strongly; undefined where there is none. */
export interface ClaimRecords {
  readonly execution: ExecutionRecord | undefined;
  readonly attempt: AttemptRecord | undefined;
  readonly lease: LeaseRecord | undefined;
}

export interface ClaimFacts {
  readonly leaseId: string;
  /** SHA-256 of the bootstrap code that was presented. */
  readonly codeHash: string;
  /** SHA-256 of the nonce of the runner; absent for function calls, whose claim cannot be repeated. */
  readonly nonceHash?: string;
  readonly now: Date;
}

interface FoundRecords {
  readonly execution: ExecutionRecord;
  readonly attempt: AttemptRecord;
  readonly lease: LeaseRecord;
}

interface Denial {
  readonly code: ErrorCode;
  readonly message: string;
}

/** `claimed`: commit `claimChanges`. `repeat`: the same runner asks again, and gets the same. */
export type ClaimDecision =
  | (FoundRecords & { readonly kind: 'claimed' })
  | (FoundRecords & { readonly kind: 'repeat' })
  | (Denial & { readonly kind: 'conflict' })
  | (Denial & { readonly kind: 'refused' });

/**
 * Whether somebody may begin to act for an attempt. The one enforcement point of sandboxes and `lambda` steps: it
 * trusts stored records only. Who does not know the code learns nothing about the execution.
 */
export function decideClaim(records: ClaimRecords, facts: ClaimFacts): ClaimDecision {
  const { execution, attempt, lease } = records;
  if (execution === undefined || attempt === undefined || lease === undefined) {
    return refused('claim_refused', 'there is no such lease');
  }
  if (lease.leaseId !== facts.leaseId || lease.codeHash !== facts.codeHash) {
    return refused('claim_refused', 'the lease or its code is not the one that was offered');
  }
  if (isFinal(execution.status) || execution.ending !== undefined) {
    return refused('execution_closed', `the execution ${execution.executionId} has ended or is ending`);
  }
  if (lease.status === 'fenced') return refused('stale_epoch', 'the lease was fenced');
  if (lease.status === 'completed') return refused('claim_refused', 'the lease was completed');
  if (lease.status === 'claimed') return decideSecondClaim(lease, facts, { execution, attempt, lease });
  if (attempt.status === 'waiting_approval') return refused('not_approved', `the attempt waits for approval`);
  if (!isActive(execution.status) || attempt.status !== 'prepared') {
    return refused('claim_refused', `the attempt is ${attempt.status} in an execution that is ${execution.status}`);
  }
  return { kind: 'claimed', execution, attempt, lease };
}

function decideSecondClaim(lease: LeaseRecord, facts: ClaimFacts, found: FoundRecords): ClaimDecision {
  if (facts.nonceHash === undefined) return refused('claim_refused', 'the lease was claimed before');
  if (lease.nonceHash !== facts.nonceHash) {
    return { kind: 'conflict', code: 'claim_conflict', message: 'another runner has claimed this lease' };
  }
  const age = facts.now.getTime() - Date.parse(lease.claimedAt ?? '');
  // Written so that an unreadable time refuses.
  if (age <= CLAIM_REPEAT_SECONDS * 1000) return { kind: 'repeat', ...found };
  return refused('claim_refused', `a claim can be repeated for ${CLAIM_REPEAT_SECONDS} seconds`);
}

function refused(code: ErrorCode, message: string): ClaimDecision {
  return { kind: 'refused', code, message };
}

/**
 * What a claim commits: attempt and lease are taken while they are still free and the execution is still open, so of
 * two claims at the same time one is refused by the store. `taken` holds what differs by claimant (session, nonce,
 * task, next check).
 */
export function claimChanges(
  attempt: AttemptRecord,
  lease: LeaseRecord,
  now: Date,
  taken: Partial<LeaseRecord>,
): Change[] {
  const { path, attempt: number } = attempt;
  const claimedAt = now.toISOString();
  return [
    { item: 'execution', expect: { status: { oneOf: ACTIVE }, ending: { absent: true } } },
    { item: 'attempt', path, attempt: number, set: { status: 'running', claimedAt }, expect: { status: 'prepared' } },
    {
      item: 'lease',
      path,
      attempt: number,
      set: { ...taken, status: 'claimed', claimedAt },
      expect: { status: 'offered', epoch: lease.epoch, leaseId: lease.leaseId, codeHash: lease.codeHash },
    },
  ];
}
