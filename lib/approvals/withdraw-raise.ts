import type { Actor, ApprovalRecord } from '../execution/records.ts';
import { isFinal } from '../execution/status.ts';
import { untilDecided } from '../execution/until-decided.ts';
import type { Budgets, Clock, ExecutionStore, Ids } from '../ports.ts';
import { cancelled, openApprovalsChange } from './transitions.ts';

export interface WithdrawPorts {
  readonly executions: Pick<ExecutionStore, 'getExecution' | 'getApproval' | 'commit'>;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Nobody is asked any more to raise a budget that was raised. False where it is not pending, or its execution ends. */
export function withdrawRaise(
  ports: WithdrawPorts,
  approvalId: string,
  actor: Actor,
  reason: string,
): Promise<boolean> {
  return untilDecided(async () => {
    const approval = await ports.executions.getApproval(approvalId);
    if (approval?.status !== 'pending') return false;
    const { executionId } = approval;
    const execution = await ports.executions.getExecution(executionId);
    // The end of the execution cancels what is pending.
    if (execution === undefined || isFinal(execution.status) || execution.ending !== undefined) return false;
    const { change, event } = cancelled(ports, execution, approval, actor, reason);
    const changes = [change, openApprovalsChange(execution, -1)];
    return (await ports.executions.commit({ executionId, changes, events: [event] })) ? true : undefined;
  });
}

/**
 * Withdraws what asks about a limit that its budget has no longer: whoever raised it was cut off before that, or did not
 * see the request yet.
 */
export async function withdrawOvertaken(
  ports: WithdrawPorts & { readonly budgets: Pick<Budgets, 'getScope'> },
  { approvalId, status, raise }: ApprovalRecord,
  actor: Actor,
): Promise<boolean> {
  if (status !== 'pending' || raise === undefined) return false;
  const scope = await ports.budgets.getScope(raise.scope);
  if (scope === undefined || scope.limit === raise.limit) return false;
  return withdrawRaise(ports, approvalId, actor, OVERTAKEN);
}

export const OVERTAKEN = 'the budget was raised otherwise';
