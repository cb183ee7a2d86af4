import { carryOutRaise } from '../../../lib/approvals/carry-out-raise.ts';
import { expireApproval } from '../../../lib/approvals/expire.ts';
import { withdrawOvertaken } from '../../../lib/approvals/withdraw-raise.ts';
import { RECONCILER } from '../../../lib/execution/actors.ts';
import type { ApprovalRecord } from '../../../lib/execution/records.ts';
import { isFinal } from '../../../lib/execution/status.ts';
import type { Check, Look } from '../check.ts';
import { lookAtDue, nextRun } from '../look-at-due.ts';
import type { ReconcilePorts } from '../ports.ts';

/** Approvals that nobody decided in time, and decisions that their waiting state was not told, or that raised no budget. */
export const overdueApprovals: Check = {
  name: 'overdue-approvals',
  run: (ports) =>
    lookAtDue(
      ports,
      'approval',
      (approval) => settle(ports, approval),
      ({ approvalId, checkAt = '' }, now) => ({
        item: 'approval',
        approvalId,
        set: { checkAt: nextRun(now) },
        expect: { checkAt },
      }),
    ),
};

async function settle(ports: ReconcilePorts, seen: ApprovalRecord): Promise<Look> {
  const { approvalId, executionId, status } = seen;
  const execution = await ports.executions.getExecution(executionId);
  if (execution === undefined || isFinal(execution.status)) return leave(ports, approvalId);
  if (seen.raise !== undefined) return settleRaise(ports, approvalId);
  const approval = await expireApproval(ports, approvalId, RECONCILER, 'keep');
  // Pending with time left, or of an execution that is ending, whose end cancels it.
  if (approval === null || approval.status === 'pending' || approval.resumedAt !== undefined) return 'fine';
  await ports.resumeApprovals([approvalId]);
  // That it expires here, before its graph asks, is no repair. What was decided should have been told without this check.
  return status === 'pending' ? 'fine' : 'repaired';
}

/** A budget that was granted and not raised, or that was raised while somebody is still asked to. */
async function settleRaise(ports: ReconcilePorts, approvalId: string): Promise<Look> {
  const approval = await ports.executions.getApproval(approvalId);
  if (approval === undefined) return 'fine';
  if (await withdrawOvertaken(ports, approval, RECONCILER)) return 'repaired';
  if (await carryOutRaise(ports, approval)) return 'repaired';
  // Who is asked may take their time: the end of the execution is the end of it.
  return lookNoMore(ports, approval);
}

/** Nobody waits for it any more. */
async function leave(ports: ReconcilePorts, approvalId: string): Promise<Look> {
  const approval = await ports.executions.getApproval(approvalId);
  return approval === undefined || approval.status === 'pending' ? 'fine' : lookNoMore(ports, approval);
}

async function lookNoMore(ports: ReconcilePorts, approval: ApprovalRecord): Promise<Look> {
  const { executionId, approvalId, version } = approval;
  await ports.executions.commit({
    executionId,
    changes: [{ item: 'approval', approvalId, remove: ['checkAt'], expect: { version } }],
    events: [],
  });
  return 'fine';
}
