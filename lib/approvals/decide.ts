import { type ErrorCode, WfloError } from '../errors.ts';
import type { Actor, ApprovalRecord, Vote } from '../execution/records.ts';
import type { Role } from '../people/roles.ts';
import type { Quorum } from '../workflow/definition.ts';
import { type Memberships, missingApprovals } from './quorum.ts';
import { excludedPerson } from './requester.ts';

export interface Decision {
  readonly personId: string;
  /** Today's, where the door knows them: they count where roles are asked and not groups. */
  readonly roles?: readonly Role[];
  readonly decision: 'approve' | 'reject';
  readonly comment?: string;
  /** Hash of what the person looked at, where the door knows it. */
  readonly payloadHash?: string;
  readonly via: string;
  readonly at: Date;
}

/**
 * `voted`: recorded, and more have to approve. `granted`, `rejected`: decided by this. `repeat`: the same person said the
 * same before, which changes nothing.
 */
export type Verdict =
  | { readonly kind: 'voted'; readonly vote: Vote; readonly missing: readonly Quorum[] }
  | { readonly kind: 'granted'; readonly vote: Vote; readonly approvers: readonly string[]; readonly executeBy: string }
  | { readonly kind: 'rejected'; readonly vote: Vote; readonly reason: string }
  | { readonly kind: 'repeat' };

/**
 * The one decision on a decision, whatever door it came through. Pure: `memberships` are today's active people of the
 * groups that are asked. Throws `approval_expired`, `execution_closed`, `already_decided` (who and when in `details`),
 * `requester_may_not_decide`, `not_an_approver`, `forbidden`, `approval_mismatch` and `invalid_request`.
 */
export function decide(approval: ApprovalRecord, memberships: Memberships, decision: Decision): Verdict {
  const own = approval.votes.find(({ personId }) => personId === decision.personId);
  if (own?.decision === decision.decision) return { kind: 'repeat' };
  refuseDecided(approval);
  if (own !== undefined) throw decidedBefore(approval, own);
  if (decision.at.getTime() >= Date.parse(approval.expiresAt)) {
    throw refusal('approval_expired', `${approval.approvalId} expired at ${approval.expiresAt}`);
  }
  if (excludedPerson(approval.policy, approval.requester) === decision.personId) {
    throw refusal('requester_may_not_decide', `${decision.personId} started the execution, and may not decide this`);
  }
  refuseUnasked(approval, memberships, decision);
  if (decision.payloadHash !== undefined && decision.payloadHash !== approval.approvedHash) {
    throw refusal(
      'approval_mismatch',
      `${approval.approvalId} asks about ${approval.approvedHash}, not about what was shown`,
    );
  }
  return decision.decision === 'reject' ? rejected(decision) : approved(approval, memberships, decision);
}

/** When a claim of what is approved now has to come at the latest. */
export function executeBy(approval: ApprovalRecord, decidedAt: Date): string {
  return new Date(decidedAt.getTime() + approval.policy.executeWithinSeconds * 1000).toISOString();
}

function rejected(decision: Decision): Verdict {
  const reason = decision.comment?.trim() ?? '';
  if (reason === '') {
    throw new WfloError('invalid_request', 'a rejection needs a reason', { fix: 'say why in the comment' });
  }
  return { kind: 'rejected', vote: voteOf(decision), reason };
}

function approved(approval: ApprovalRecord, memberships: Memberships, decision: Decision): Verdict {
  const vote = voteOf(decision);
  const approvers = approversOf({ votes: [...approval.votes, vote] });
  const missing = missingApprovals(approval.groups, memberships, approvers);
  return missing.length > 0
    ? { kind: 'voted', vote, missing }
    : { kind: 'granted', vote, approvers, executeBy: executeBy(approval, decision.at) };
}

export function approversOf({ votes }: Pick<ApprovalRecord, 'votes'>): readonly string[] {
  return votes.filter(({ decision }) => decision === 'approve').map(({ personId }) => personId);
}

function voteOf({ personId, decision, comment, at, via }: Decision): Vote {
  return { personId, decision, ...(comment === undefined ? {} : { comment }), at: at.toISOString(), via };
}

function refuseUnasked(approval: ApprovalRecord, memberships: Memberships, { personId, roles = [] }: Decision): void {
  if (approval.roles !== undefined) {
    if (approval.roles.some((role) => roles.includes(role))) return;
    throw new WfloError('forbidden', `${personId} may not decide ${approval.approvalId}`, {
      fix: `it needs the role ${approval.roles.join(' or ')}; an administrator can change roles`,
    });
  }
  const groups = approval.groups.map(({ group }) => group);
  if (groups.some((group) => memberships.get(group)?.has(personId))) return;
  throw refusal('not_an_approver', `${personId} is in none of the groups that are asked: ${groups.join(', ')}`);
}

function refuseDecided(approval: ApprovalRecord): void {
  const { status, approvalId } = approval;
  if (status === 'pending') return;
  if (status === 'expired') throw refusal('approval_expired', `${approvalId} expired at ${approval.expiresAt}`);
  if (status === 'cancelled' && approval.raise !== undefined) {
    throw new WfloError(
      'already_decided',
      `${approvalId} is no longer asked: the budget was raised otherwise, or its execution has ended`,
      { fix: 'nothing was changed; see what is left with `wflo costs`' },
    );
  }
  if (status === 'cancelled') {
    throw refusal('execution_closed', `${approvalId} is no longer asked: its execution has ended`);
  }
  const last = approval.votes.at(-1);
  if (last !== undefined) throw decidedBefore(approval, last);
  throw refusal('already_decided', `${approvalId} was granted at ${approval.decidedAt} because nobody decided in time`);
}

function decidedBefore({ approvalId, status }: ApprovalRecord, { personId, decision, at }: Vote): WfloError {
  const word = decision === 'approve' ? 'approved' : 'rejected';
  return new WfloError('already_decided', `${approvalId} was ${word} by ${personId} at ${at}`, {
    fix: 'nothing was changed; look at the approval with `wflo approval`',
    details: { status, decidedBy: personId, decidedAt: at, decision },
  });
}

function refusal(code: ErrorCode, message: string): WfloError {
  return new WfloError(code, message);
}

/** Who is told in the events of a decision. */
export function actorOf({ personId, via }: Pick<Decision, 'personId' | 'via'>): Actor {
  return { type: 'person', id: personId, via };
}
