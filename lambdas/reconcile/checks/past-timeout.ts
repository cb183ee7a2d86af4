import { RECONCILER } from '../../../lib/execution/actors.ts';
import { timeoutSecondsOf } from '../../../lib/execution/machine-end.ts';
import type { Ending, ExecutionRecord } from '../../../lib/execution/records.ts';
import { closeRecord } from '../../end-execution/end.ts';
import type { Look } from '../check.ts';
import type { ReconcilePorts } from '../ports.ts';

/**
 * The time limit of the workflow is over. The limit of the machine itself lies 10 minutes later and is a backstop,
 * which the local AWS does not have. The end handler closes what is stopped here. That is no repair: nobody else does it.
 */
export async function endIfPastTimeout(ports: ReconcilePorts, execution: ExecutionRecord): Promise<Look> {
  const { executionId, executionArn, timeoutAt } = execution;
  if (timeoutAt === undefined || Date.parse(timeoutAt) > ports.clock.now().getTime()) return 'fine';
  const ending: Ending = execution.ending ?? {
    status: 'timed_out',
    actor: RECONCILER,
    reason: `the time limit of ${timeoutSecondsOf(execution)} seconds is over`,
    at: ports.clock.now().toISOString(),
  };
  if (execution.ending === undefined) {
    const begun = await ports.executions.commit({
      executionId,
      changes: [
        {
          item: 'execution',
          set: { ending },
          expect: { status: execution.status, ending: { absent: true } },
        },
      ],
      events: [],
    });
    if (!begun) return 'fine';
  }
  if ((await ports.machines.describe(executionArn)) === undefined) {
    // The machine was deleted with its history: no end event will come.
    await closeRecord(ports, { ...execution, ending });
    return 'repaired';
  }
  // Also where it was ending before: whoever wanted to stop it may have been cut off in between.
  await ports.machines.stop(executionArn, 'timed_out', 'the time limit of the workflow is over');
  return execution.ending === undefined ? 'fine' : 'repaired';
}
