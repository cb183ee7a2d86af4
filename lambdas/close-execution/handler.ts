import type { CloseAnswer, CloseEvent } from '../../lib/execution/machine.ts';
import { platformHandler } from '../shared/platform-handler.ts';
import { blobStore, clock, executionStore, ids } from '../shared/ports.ts';
import { closeExecution } from './close.ts';

export const handler = platformHandler<CloseEvent, CloseAnswer>(
  {
    correlate: ({ executionId }) => ({ executionId }),
    summarise: ({ ok, error }) => ({ succeeded: ok, ...(error === null ? {} : { code: error.code }) }),
  },
  (event) => closeExecution({ executions: executionStore(), blobs: blobStore(), clock, ids }, event),
);
