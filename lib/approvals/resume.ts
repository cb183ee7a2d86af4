import type { EventType } from '../audit/events.ts';
import type { ApprovedAnswer } from '../execution/machine.ts';
import type { ApprovalRecord } from '../execution/records.ts';
import { isFinal } from '../execution/status.ts';
import type { Clock, ExecutionStore, TaskTokenReader, WaitingStates } from '../ports.ts';

/** After these a state waits no more. */
export const DECISION_EVENTS: readonly EventType[] = ['approval.granted', 'approval.rejected', 'approval.expired'];

/** What the waiting state is told. It routes; a claim does not believe it. */
export function answerOf({ status }: Pick<ApprovalRecord, 'status'>): ApprovedAnswer {
  return { decision: status === 'granted' ? 'granted' : 'refused' };
}

export interface ResumePorts {
  readonly executions: ExecutionStore;
  readonly tokens: TaskTokenReader;
  readonly waiting: WaitingStates;
  readonly clock: Clock;
}

/** `waits`: nobody has decided, or no state waits yet and the one that comes will find the decision. */
export type Resumed = 'resumed' | 'already' | 'waits';

/**
 * Tells the waiting state what was decided. Idempotent: a call that was cut off is made again, by the stream or by
 * `reconcile`, and a state that waits no more is no error.
 */
export async function resumeApproval(ports: ResumePorts, approvalId: string): Promise<Resumed> {
  const approval = await ports.executions.getApproval(approvalId);
  if (approval === undefined || approval.status === 'pending') return 'waits';
  // Of a budget no state waits: the call itself sees that it was raised.
  if (approval.raise !== undefined) return 'already';
  if (approval.resumedAt !== undefined || approval.status === 'cancelled') return 'already';
  const execution = await ports.executions.getExecution(approval.executionId);
  // No state of an execution that has ended waits for anything.
  if (execution === undefined || isFinal(execution.status)) return 'already';
  const token = await ports.tokens.get(approvalId);
  if (token === undefined) return 'waits';
  await ports.waiting.resume(token, { ...answerOf(approval) });
  await markResumed(ports, approval);
  await ports.tokens.remove(approvalId);
  return 'resumed';
}

/** It was told, or the budget raised. No change of state, so no event. A second mark does no harm. */
export async function markResumed(
  ports: Pick<ResumePorts, 'executions' | 'clock'>,
  { executionId, approvalId }: ApprovalRecord,
): Promise<void> {
  await ports.executions.commit({
    executionId,
    changes: [
      {
        item: 'approval',
        approvalId,
        set: { resumedAt: ports.clock.now().toISOString() },
        remove: ['checkAt'],
        expect: { resumedAt: { absent: true } },
      },
    ],
    events: [],
  });
}
