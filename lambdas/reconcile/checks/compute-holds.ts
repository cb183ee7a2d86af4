import { RECONCILER } from '../../../lib/execution/actors.ts';
import { attemptCost } from '../../../lib/execution/attempt-cost.ts';
import { closeCompute } from '../../../lib/execution/close-compute.ts';
import type { AttemptRecord, ExecutionRecord } from '../../../lib/execution/records.ts';
import { isAttemptOpen } from '../../../lib/execution/status.ts';
import type { Look } from '../check.ts';
import type { ReconcilePorts } from '../ports.ts';

/**
 * Sandboxes of attempts that are over, while their execution goes on: a task that was told to stop takes a while, and
 * what is held for it is missing elsewhere. That is no repair: nobody else does it.
 */
export async function closeEndedHolds(ports: ReconcilePorts, execution: ExecutionRecord): Promise<Look> {
  if (execution.budget === undefined) return 'fine';
  await closeHolds(ports, execution, (attempt) => attempt !== undefined && !isAttemptOpen(attempt.status));
  return 'fine';
}

/**
 * The last look at an execution that has ended. A hold without an attempt is that of a Prepare which was cut off. When
 * nothing is open any more, nobody looks again.
 */
export async function closeAllHolds(ports: ReconcilePorts, execution: ExecutionRecord): Promise<Look> {
  const { executionId, checkAt } = execution;
  if (checkAt === undefined) return 'fine';
  if (!(await closeHolds(ports, execution, () => true))) return 'fine';
  // Also of calls that were settled when everything was over.
  for (const attempt of await ports.executions.listAttempts(executionId)) await tellCost(ports, execution, attempt);
  await ports.executions.commit({
    executionId,
    changes: [{ item: 'execution', remove: ['checkAt'], expect: { checkAt } }],
    events: [],
  });
  return 'fine';
}

/** False where one has to be looked at again. */
async function closeHolds(
  ports: ReconcilePorts,
  execution: ExecutionRecord,
  isOver: (attempt: AttemptRecord | undefined) => boolean,
): Promise<boolean> {
  const { executionId } = execution;
  let all = true;
  for (const { holdId, kind, state, payer } of await ports.ledger.listHolds(executionId)) {
    if (kind !== 'compute' || state !== 'open') continue;
    const { path, attempt: number } = payer;
    const attempt = await ports.executions.getAttempt(executionId, path, number);
    if (!isOver(attempt)) continue;
    const lease = await ports.executions.getLease(executionId, path, number);
    const ended = { execution, attempt, lease, neverStarted: false, actor: RECONCILER };
    if (!(await closeCompute(ports, executionId, holdId, ended))) all = false;
    else if (attempt !== undefined) await tellCost(ports, execution, attempt);
  }
  return all;
}

/** Once: with the mark at the attempt that it was told. */
async function tellCost(ports: ReconcilePorts, execution: ExecutionRecord, attempt: AttemptRecord): Promise<void> {
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
