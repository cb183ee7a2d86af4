import type { AttemptRecord, ExecutionRecord, LeaseRecord } from '../../lib/execution/records.ts';
import { isFinal } from '../../lib/execution/status.ts';
import type { ReconcilePorts } from './ports.ts';

export interface ClaimedLease {
  readonly execution: ExecutionRecord;
  readonly lease: LeaseRecord;
  readonly attempt: AttemptRecord;
}

/**
 * A lease under which somebody acts now, with what it belongs to; the index from which `seen` comes lags. Undefined where
 * the right has ended. The end handler fences leases itself; a final execution has none that is claimed.
 */
export async function claimedLease(
  { executions }: Pick<ReconcilePorts, 'executions'>,
  { executionId, path, attempt: number }: LeaseRecord,
): Promise<ClaimedLease | undefined> {
  const [execution, lease, attempt] = await Promise.all([
    executions.getExecution(executionId),
    executions.getLease(executionId, path, number),
    executions.getAttempt(executionId, path, number),
  ]);
  if (execution === undefined || lease === undefined || attempt === undefined) return undefined;
  return lease.status !== 'claimed' || isFinal(execution.status) ? undefined : { execution, lease, attempt };
}
