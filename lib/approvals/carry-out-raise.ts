import { type RaisePorts, raiseAndTell } from '../execution/raise-budget.ts';
import type { ApprovalRecord } from '../execution/records.ts';
import { isFinal } from '../execution/status.ts';
import type { ExecutionStore } from '../ports.ts';
import { actorOf } from './decide.ts';
import { markResumed } from './resume.ts';

export interface CarryOutPorts extends RaisePorts {
  readonly executions: ExecutionStore;
}

/**
 * Raises the budget that a granted approval asks for, once: by its id. Made again after a call that was cut off, by a
 * repeat of the decision or by `reconcile`. False where there is nothing to do, or the execution ends and needs it no more.
 */
export async function carryOutRaise(ports: CarryOutPorts, approval: ApprovalRecord): Promise<boolean> {
  const { approvalId, executionId, raise, status, votes, resumedAt } = approval;
  const vote = votes.at(-1);
  if (raise === undefined || vote === undefined || status !== 'granted' || resumedAt !== undefined) return false;
  const execution = await ports.executions.getExecution(executionId);
  if (execution === undefined || isFinal(execution.status) || execution.ending !== undefined) return false;
  const { scope, by } = raise;
  await raiseAndTell(ports, execution, {
    ...(scope.kind === 'agent' ? { agent: scope.agent } : {}),
    by,
    raiseId: approvalId,
    actor: actorOf(vote),
    approvalId,
  });
  await markResumed(ports, approval);
  return true;
}
