import { checkAtOf } from '../../../lib/execution/check-at.ts';
import type { ExecutionRecord } from '../../../lib/execution/records.ts';
import { isFinal } from '../../../lib/execution/status.ts';
import { type Check, type Look, lookAtEach } from '../check.ts';
import type { ReconcilePorts } from '../ports.ts';
import { stopIfEndingCutOff } from './cut-off-ending.ts';
import { endIfEndedUnseen } from './ended-unseen.ts';
import { endIfNeverStarted } from './never-started.ts';
import { endIfPastTimeout } from './past-timeout.ts';

const EXECUTIONS_PER_RUN = 200;

/** Open executions that are due for a look, each in all the ways in which one can be stuck. */
export const openExecutions: Check = {
  name: 'open-executions',
  async run(ports) {
    const due = await ports.executions.due('execution', ports.clock.now(), EXECUTIONS_PER_RUN);
    return lookAtEach(ports, due, async (seen) => {
      try {
        return await lookAt(ports, seen.executionId);
      } finally {
        // Also after a failure, so that one that always fails does not stand before all others.
        await lookLater(ports, seen);
      }
    });
  },
};

/** The index lags, so the record itself decides. */
async function lookAt(ports: ReconcilePorts, executionId: string): Promise<Look> {
  const execution = await ports.executions.getExecution(executionId);
  if (execution === undefined || isFinal(execution.status)) return 'fine';
  for (const look of [endIfEndedUnseen, endIfNeverStarted, stopIfEndingCutOff, endIfPastTimeout]) {
    if ((await look(ports, execution)) === 'repaired') return 'repaired';
  }
  return 'fine';
}

async function lookLater(ports: ReconcilePorts, { executionId, checkAt, timeoutAt }: ExecutionRecord): Promise<void> {
  if (checkAt === undefined) return;
  await ports.executions.commit({
    executionId,
    changes: [{ item: 'execution', set: { checkAt: checkAtOf(ports.clock.now(), timeoutAt) }, expect: { checkAt } }],
    events: [],
  });
}
