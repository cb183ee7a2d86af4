import type { Actor, ApprovalRecord, ExecutionRecord } from '../execution/records.ts';
import { isFinal } from '../execution/status.ts';
import { untilDecided } from '../execution/until-decided.ts';
import type { Clock, ExecutionStore, Ids } from '../ports.ts';
import { cancelled, expired, openApprovalsChange } from './transitions.ts';

export interface ExpiryPorts {
  readonly executions: ExecutionStore;
  readonly clock: Clock;
  readonly ids: Ids;
}

/**
 * Expires an approval that nobody decided in time, and follows a decision that came first. `notDue`: what to do with one
 * that has time left; `cancel` where nobody waits for it any more. Answers how it stands then.
 */
export function expireApproval(
  ports: ExpiryPorts,
  approvalId: string,
  actor: Actor,
  notDue: 'keep' | 'cancel',
): Promise<ApprovalRecord | null> {
  return untilDecided(async () => {
    const approval = await ports.executions.getApproval(approvalId);
    if (approval === undefined) return null;
    // A budget is asked for until its execution ends.
    if (approval.status !== 'pending' || approval.raise !== undefined) return approval;
    const execution = await ports.executions.getExecution(approval.executionId);
    // The end of the execution cancels what is pending.
    if (execution === undefined || isFinal(execution.status) || execution.ending !== undefined) return approval;
    const due = ports.clock.now().getTime() >= Date.parse(approval.expiresAt);
    if (!due && notDue === 'keep') return approval;
    const written = due ? expired(ports, execution, approval, actor) : notAsked(ports, execution, approval, actor);
    const { executionId } = approval;
    if (!(await ports.executions.commit({ executionId, ...written }))) return undefined;
    return (await ports.executions.getApproval(approvalId)) ?? null;
  });
}

function notAsked(ports: ExpiryPorts, execution: ExecutionRecord, approval: ApprovalRecord, actor: Actor) {
  const { change, event } = cancelled(ports, execution, approval, actor, 'nobody could be asked');
  return { changes: [change, openApprovalsChange(execution, -1)], events: [event] };
}
