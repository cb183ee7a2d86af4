import { expireApproval } from '../../../lib/approvals/expire.ts';
import { RECONCILER } from '../../../lib/execution/actors.ts';
import type { ApprovalRecord } from '../../../lib/execution/records.ts';
import { isFinal } from '../../../lib/execution/status.ts';
import type { Check, Look } from '../check.ts';
import { lookAtDue, nextRun } from '../look-at-due.ts';
import type { ReconcilePorts } from '../ports.ts';

/** Approvals that nobody decided in time, and decisions that their waiting state was not told. */
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

async function settle(ports: ReconcilePorts, { approvalId, executionId, status }: ApprovalRecord): Promise<Look> {
  const execution = await ports.executions.getExecution(executionId);
  if (execution === undefined || isFinal(execution.status)) return leave(ports, approvalId);
  const approval = await expireApproval(ports, approvalId, RECONCILER, 'keep');
  // Pending with time left, or of an execution that is ending, whose end cancels it.
  if (approval === null || approval.status === 'pending' || approval.resumedAt !== undefined) return 'fine';
  await ports.resumeApprovals([approvalId]);
  // That it expires here, before its graph asks, is no repair. What was decided should have been told without this check.
  return status === 'pending' ? 'fine' : 'repaired';
}

/** Nobody waits for it any more. */
async function leave(ports: ReconcilePorts, approvalId: string): Promise<Look> {
  const approval = await ports.executions.getApproval(approvalId);
  if (approval === undefined || approval.status === 'pending') return 'fine';
  const { executionId, version } = approval;
  await ports.executions.commit({
    executionId,
    changes: [{ item: 'approval', approvalId, remove: ['checkAt'], expect: { version } }],
    events: [],
  });
  return 'fine';
}
