import { answerOf, markResumed } from '../../lib/approvals/resume.ts';
import { WfloError } from '../../lib/errors.ts';
import { expectSchema } from '../../lib/execution/accepted-schema.ts';
import type { RequestApprovalEvent } from '../../lib/execution/machine.ts';
import type { Clock, ExecutionStore, TaskTokenWriter, WaitingStates } from '../../lib/ports.ts';

export interface RequestPorts {
  readonly executions: ExecutionStore;
  readonly tokens: TaskTokenWriter;
  readonly waiting: WaitingStates;
  readonly clock: Clock;
}

/** For the log only: the state waits for its token, and not for this. */
export type Requested = 'waits' | 'resumed';

/**
 * Lets the waiting state be found by whoever decides. The token is put before the record is read, so that of a decision
 * at the same time either this call or the one that resumes sees both. What is decided already resumes at once.
 */
export async function requestApproval(ports: RequestPorts, event: RequestApprovalEvent): Promise<Requested> {
  expectSchema(event.schema);
  const { approvalId, taskToken } = event;
  const askedAt = ports.clock.now();
  await ports.tokens.put(approvalId, taskToken, askedAt);
  const approval = await ports.executions.getApproval(approvalId);
  if (approval === undefined) throw new WfloError('unknown_approval', `no approval ${approvalId} exists`);
  if (approval.status === 'pending') return 'waits';
  await ports.waiting.resume(taskToken, { ...answerOf(approval) });
  await markResumed(ports, approval);
  return 'resumed';
}
