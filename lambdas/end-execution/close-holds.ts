import { RECONCILER } from '../../lib/execution/actors.ts';
import { type AttemptCostPorts, attemptCost } from '../../lib/execution/attempt-cost.ts';
import { type CloseComputePorts, closeCompute } from '../../lib/execution/close-compute.ts';
import type { AttemptRecord, ExecutionRecord } from '../../lib/execution/records.ts';
import { isAttemptOpen } from '../../lib/execution/status.ts';
import type { ExecutionStore, Ledger } from '../../lib/ports.ts';

export interface CloseHoldsPorts extends CloseComputePorts, AttemptCostPorts {
  readonly executions: ExecutionStore;
  readonly ledger: CloseComputePorts['ledger'] & Pick<Ledger, 'listHolds'>;
}

/**
 * Closes what is still held for sandboxes of attempts that are over; of an execution that ends, that is all of them, and
 * also what a Prepare that was cut off has left without an attempt. False where something has to be looked at again.
 */
export async function closeHolds(ports: CloseHoldsPorts, execution: ExecutionRecord): Promise<boolean> {
  const { executionId, budget, ending, endedAt } = execution;
  if (budget === undefined) return true;
  const isEnding = ending !== undefined || endedAt !== undefined;
  let all = true;
  for (const { holdId, kind, state, payer } of await ports.ledger.listHolds(executionId)) {
    if (kind !== 'compute' || state !== 'open') continue;
    const { path, attempt: number } = payer;
    const attempt = await ports.executions.getAttempt(executionId, path, number);
    if (attempt === undefined ? !isEnding : isAttemptOpen(attempt.status)) continue;
    const lease = await ports.executions.getLease(executionId, path, number);
    if (!(await closeCompute(ports, executionId, holdId, { attempt, lease, neverStarted: false }))) all = false;
    else if (attempt !== undefined) await tellCost(ports, execution, attempt);
  }
  return all;
}

/** Once: with the mark at the attempt that it was told. */
export async function tellCost(
  ports: CloseHoldsPorts,
  execution: ExecutionRecord,
  attempt: AttemptRecord,
): Promise<void> {
  if (attempt.kind !== 'sandbox' || attempt.costNanoUsd !== undefined || isAttemptOpen(attempt.status)) return;
  const cost = await attemptCost(ports, execution, attempt, RECONCILER);
  if (cost === undefined) return;
  const { executionId, path, attempt: number } = attempt;
  await ports.executions.commit({
    executionId,
    changes: [
      {
        item: 'attempt',
        path,
        attempt: number,
        set: { costNanoUsd: cost.costNanoUsd },
        expect: { costNanoUsd: { absent: true } },
      },
    ],
    events: [cost.event],
  });
}
