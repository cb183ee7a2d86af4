import { type ErrorCode, WfloError } from '../errors.ts';
import {
  type GatePayload,
  type LambdaPayload,
  payloadHash,
  type SandboxPayload,
  subjectOf,
} from '../execution/payload.ts';
import type { ApprovalRecord, AttemptRecord } from '../execution/records.ts';
import { canonicalJson, sha256 } from '../json.ts';
import { approversOf } from './decide.ts';
import { eligiblePeople, type Memberships, missingApprovals } from './quorum.ts';
import { excludedPerson } from './requester.ts';

/**
 * Whether an attempt may act under its approval, now. `payload` are the stored bytes, whose hash was made again. What it
 * needs is told by the payload, which is what people approved, and by no other record. Throws `not_approved`,
 * `approval_stale` and `payload_changed`.
 */
export function checkApproval(
  payload: SandboxPayload | LambdaPayload,
  attempt: AttemptRecord,
  approval: ApprovalRecord | undefined,
  memberships: Memberships,
  now: Date,
): void {
  if (!needsApproval(payload)) return;
  const step = `${payload.executionId} ${payload.path}`;
  if (approval === undefined || approval.executionId !== payload.executionId) {
    throw refusal('not_approved', `${step} has no approval`);
  }
  const { approvalId, status, claimedBy } = approval;
  if (approval.path !== (payload.requires ?? payload.path)) {
    throw refusal('not_approved', `${approvalId} is the approval of another step than ${step}`);
  }
  if (status !== 'granted') throw refusal('not_approved', `${approvalId} is ${status}`);
  if (claimedBy !== undefined && (claimedBy.path !== attempt.path || claimedBy.attempt !== attempt.attempt)) {
    throw refusal('not_approved', `${approvalId} was used by attempt ${claimedBy.attempt} of ${claimedBy.path}`);
  }
  checkSubject(payload, approval);
  // Written so that an unreadable time refuses.
  if (!(now.getTime() < Date.parse(approval.executeBy ?? ''))) {
    throw refusal('approval_stale', `${approvalId} had to be used before ${approval.executeBy}`);
  }
  checkQuorum(approval, memberships);
}

export function needsApproval(payload: Pick<SandboxPayload, 'approval' | 'requires'>): boolean {
  return payload.approval !== undefined || payload.requires !== undefined;
}

/** Hash of the value that a stand-alone gate asks about. */
export function subjectHash(subject: GatePayload['subject']): string {
  return sha256(canonicalJson(subject));
}

function checkSubject(payload: SandboxPayload | LambdaPayload, { approvalId, ...approval }: ApprovalRecord): void {
  const found = payload.requires === undefined ? payloadHash(payload) : subjectHash(subjectOf(payload));
  const approved = payload.requires === undefined ? approval.approvedHash : approval.subjectHash;
  if (found !== approved) {
    throw refusal('payload_changed', `${payload.path} would do ${found}, and ${approvalId} approved ${approved}`);
  }
}

/** Who approved must still be somebody who may: groups and people can have changed since. */
function checkQuorum(approval: ApprovalRecord, memberships: Memberships): void {
  // Nobody decided in time, and its policy lets that pass.
  if (approval.votes.length === 0 && approval.policy.otherwise === 'approve') return;
  const eligible = eligiblePeople(approval.groups, memberships, excludedPerson(approval.policy, approval.requester));
  const counting = approversOf(approval).filter((personId) => eligible.has(personId));
  const missing = missingApprovals(approval.groups, memberships, counting);
  if (missing.length === 0) return;
  const needed = missing.map(({ group, min }) => `${min} of ${group}`).join(', ');
  throw refusal('not_approved', `${approval.approvalId} no longer has its quorum: ${needed} missing`);
}

function refusal(code: ErrorCode, message: string): WfloError {
  return new WfloError(code, message, { fix: 'start the execution again, so that it is asked for once more' });
}
