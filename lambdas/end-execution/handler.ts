import type { EventBridgeEvent } from 'aws-lambda';
import { executionIdFromArn } from '../../lib/execution/identity.ts';
import { environment } from '../shared/environment.ts';
import { outcomeSignals } from '../shared/outcome-signals.ts';
import { platformHandler } from '../shared/platform-handler.ts';
import {
  blobStore,
  budgets,
  clock,
  executionStore,
  ids,
  ledger,
  sandboxTasks,
  stateMachines,
} from '../shared/ports.ts';
import { metrics } from '../shared/powertools.ts';
import { type Ended, endExecution } from './end.ts';
import { type StatusChange, seenEnd } from './status-change.ts';

export const handler = platformHandler<EventBridgeEvent<'Step Functions Execution Status Change', StatusChange>, Ended>(
  {
    correlate: ({ detail }) => ({ executionId: executionIdFromArn(detail.executionArn, environment('WFLO_STAGE')) }),
    summarise: (ended) => ({ ended }),
  },
  async ({ detail }, context) => {
    const ports = {
      executions: executionStore(),
      blobs: blobStore(),
      signals: outcomeSignals,
      tasks: sandboxTasks(),
      ledger: ledger(),
      budgets: budgets(),
      machines: stateMachines(context.invokedFunctionArn),
      clock,
      ids,
      stage: environment('WFLO_STAGE'),
    };
    const ended = await endExecution(ports, detail.executionArn, seenEnd(detail));
    if (ended === 'ended') metrics.addMetric('ExecutionsEndedOutside', 'Count', 1);
    return ended;
  },
);
