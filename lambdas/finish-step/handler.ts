import type { FinishEvent } from '../../lib/execution/machine.ts';
import type { FinishAnswer } from '../../lib/execution/records.ts';
import { stepCorrelation } from '../shared/correlation.ts';
import { outcomeSignals } from '../shared/outcome-signals.ts';
import { platformHandler } from '../shared/platform-handler.ts';
import { blobStore, budgets, clock, executionStore, ids, ledger, sandboxTasks } from '../shared/ports.ts';
import { finishStep } from './finish.ts';

export const handler = platformHandler<FinishEvent, FinishAnswer>(
  {
    correlate: stepCorrelation,
    summarise: ({ next, waitSeconds, error }) => ({
      next,
      waitSeconds,
      ...(error.code === '' ? {} : { code: error.code }),
    }),
  },
  (event) =>
    finishStep(
      {
        executions: executionStore(),
        blobs: blobStore(),
        tasks: sandboxTasks(),
        ledger: ledger(),
        budgets: budgets(),
        clock,
        ids,
        random: Math.random,
        signals: outcomeSignals,
      },
      event,
    ),
);
