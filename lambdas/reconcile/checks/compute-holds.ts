import type { ExecutionRecord } from '../../../lib/execution/records.ts';
import { closeHolds, tellCost } from '../../end-execution/close-holds.ts';
import type { Look } from '../check.ts';
import type { ReconcilePorts } from '../ports.ts';

/**
 * Sandboxes of attempts that are over, while their execution goes on: a task that was told to stop takes a while, and
 * what is held for it is missing elsewhere. That is no repair: nobody else does it.
 */
export async function closeEndedHolds(ports: ReconcilePorts, execution: ExecutionRecord): Promise<Look> {
  await closeHolds(ports, execution);
  return 'fine';
}

/** The last look at an execution that has ended. When nothing is open any more, nobody looks again. */
export async function closeAllHolds(ports: ReconcilePorts, execution: ExecutionRecord): Promise<Look> {
  const { executionId, checkAt } = execution;
  if (checkAt === undefined || !(await closeHolds(ports, execution))) return 'fine';
  // Also of calls that were settled when everything was over.
  for (const attempt of await ports.executions.listAttempts(executionId)) await tellCost(ports, execution, attempt);
  await ports.executions.commit({
    executionId,
    changes: [{ item: 'execution', remove: ['checkAt'], expect: { checkAt } }],
    events: [],
  });
  return 'fine';
}
