import { checkAtOf } from '../../../lib/execution/check-at.ts';
import { isFinal } from '../../../lib/execution/status.ts';
import type { Check, Look } from '../check.ts';
import { lookAtDue, nextRun } from '../look-at-due.ts';
import type { ReconcilePorts } from '../ports.ts';
import { closeAllHolds, closeEndedHolds } from './compute-holds.ts';
import { stopIfEndingCutOff } from './cut-off-ending.ts';
import { endIfEndedUnseen } from './ended-unseen.ts';
import { endIfNeverStarted } from './never-started.ts';
import { endIfPastTimeout } from './past-timeout.ts';

/**
 * Executions that are due for a look: an open one in all the ways in which it can be stuck, and one that has ended for
 * what is still held for its sandboxes.
 */
export const openExecutions: Check = {
  name: 'open-executions',
  run: (ports) =>
    lookAtDue(
      ports,
      'execution',
      ({ executionId }) => lookAt(ports, executionId),
      ({ timeoutAt, checkAt = '' }, now, failed) => ({
        item: 'execution',
        set: { checkAt: failed ? nextRun(now) : checkAtOf(now, timeoutAt) },
        expect: { checkAt },
      }),
    ),
};

/** The index lags, so the record itself decides. */
async function lookAt(ports: ReconcilePorts, executionId: string): Promise<Look> {
  const execution = await ports.executions.getExecution(executionId);
  if (execution === undefined) return 'fine';
  if (isFinal(execution.status)) return closeAllHolds(ports, execution);
  for (const look of [endIfEndedUnseen, endIfNeverStarted, stopIfEndingCutOff, endIfPastTimeout]) {
    if ((await look(ports, execution)) === 'repaired') return 'repaired';
  }
  return closeEndedHolds(ports, execution);
}
