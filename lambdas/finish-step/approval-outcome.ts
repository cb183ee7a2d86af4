import { expireApproval } from '../../lib/approvals/expire.ts';
import type { ErrorData } from '../../lib/errors.ts';
import { GRAPH } from '../../lib/execution/actors.ts';
import { wasClaimed } from '../../lib/execution/close-attempt.ts';
import type { ApprovalRecord, AttemptRecord } from '../../lib/execution/records.ts';
import type { Clock, ExecutionStore, Ids } from '../../lib/ports.ts';
import type { Outcome } from './outcome.ts';

export interface ApprovalOutcomePorts {
  readonly executions: ExecutionStore;
  readonly clock: Clock;
  readonly ids: Ids;
}

/**
 * The outcome of an attempt that its approval decides: of a gate, and of a step that nobody allowed to act. Undefined for
 * every other attempt. A waiting state that ended while nobody had decided has told nothing true: the request is closed.
 */
export async function approvalOutcome(
  ports: ApprovalOutcomePorts,
  attempt: AttemptRecord,
): Promise<Outcome | undefined> {
  const { approvalId, kind, status } = attempt;
  if (approvalId === undefined || wasClaimed(attempt) || attempt.error !== undefined) return undefined;
  if (kind !== 'approval' && status !== 'waiting_approval') return undefined;
  const approval = await expireApproval(ports, approvalId, GRAPH, 'cancel');
  if (approval?.status === 'granted') {
    // Granted since the attempt was read: what it says now must be read first.
    if (kind !== 'approval') return undefined;
    return { exit: { reason: 'ok', code: 0 }, concluded: false, refs: {} };
  }
  const failure: ErrorData = { ...refusalOf(approval), stepPath: attempt.path };
  const last = approval?.votes.at(-1);
  return {
    exit: { reason: 'runner_error', code: null, message: failure.message },
    failure,
    concluded: true,
    refs: {},
    ...(last === undefined ? {} : { actor: { type: 'person', id: last.personId, via: last.via } }),
  };
}

function refusalOf(approval: ApprovalRecord | null): ErrorData {
  if (approval?.status === 'rejected') {
    const vote = approval.votes.at(-1);
    return {
      code: 'approval_rejected',
      message: `${vote?.personId ?? 'somebody'} rejected ${approval.approvalId}: ${vote?.comment ?? ''}`,
    };
  }
  if (approval?.status === 'expired') {
    return { code: 'approval_expired', message: `nobody decided ${approval.approvalId} before ${approval.expiresAt}` };
  }
  return {
    code: 'not_approved',
    message: 'the state that waited for the approval ended before anybody decided',
    fix: 'find out who can send task tokens, or why the request failed, and start the execution again',
  };
}
