import type { PrepareAnswer, PrepareEvent } from '../../lib/execution/machine.ts';
import { stepCorrelation } from '../shared/correlation.ts';
import { platformHandler } from '../shared/platform-handler.ts';
import { blobStore, clock, executionStore, ids } from '../shared/ports.ts';
import { prepareStep } from './prepare.ts';

export const handler = platformHandler<PrepareEvent, PrepareAnswer>(
  { correlate: stepCorrelation, summarise: ({ attempt, route }) => ({ allotted: attempt, route }) },
  (event) => prepareStep({ executions: executionStore(), blobs: blobStore(), clock, ids }, event),
);
