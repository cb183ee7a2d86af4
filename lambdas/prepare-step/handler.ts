import { fargatePrices } from '../../lib/budget/prices/fargate.ts';
import type { PrepareAnswer, PrepareEvent, ReserveEvent } from '../../lib/execution/machine.ts';
import type { Architecture } from '../../lib/execution/records.ts';
import { stepCorrelation } from '../shared/correlation.ts';
import { environment } from '../shared/environment.ts';
import { platformHandler } from '../shared/platform-handler.ts';
import { announcements, blobStore, clock, executionStore, ids, ledger } from '../shared/ports.ts';
import { prepareOrReserve } from './prepare-or-reserve.ts';

export const handler = platformHandler<PrepareEvent | ReserveEvent, PrepareAnswer>(
  { correlate: stepCorrelation, summarise: ({ attempt, route }) => ({ allotted: attempt, route }) },
  (event) =>
    prepareOrReserve(
      {
        executions: executionStore(),
        blobs: blobStore(),
        ledger: ledger(),
        announcements: announcements(),
        prices: { ...fargatePrices(), architecture: environment('SANDBOX_ARCHITECTURE') as Architecture },
        clock,
        ids,
      },
      event,
    ),
);
