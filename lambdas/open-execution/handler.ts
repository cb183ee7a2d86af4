import { executionIdFromArn } from '../../lib/execution/identity.ts';
import type { OpenAnswer, OpenEvent } from '../../lib/execution/machine.ts';
import { environment } from '../shared/environment.ts';
import { platformHandler } from '../shared/platform-handler.ts';
import { blobStore, budgets, clock, executionStore, ids, people } from '../shared/ports.ts';
import { tracer } from '../shared/powertools.ts';
import { openExecution } from './open.ts';

export const handler = platformHandler<OpenEvent, OpenAnswer>(
  {
    correlate: ({ executionArn }) => ({ executionId: executionIdFromArn(executionArn, environment('WFLO_STAGE')) }),
    summarise: ({ ok, error }) => ({ opened: ok, ...(error === null ? {} : { code: error.code }) }),
  },
  (event) => {
    const traceId = tracer.getRootXrayTraceId();
    const ports = {
      executions: executionStore(),
      blobs: blobStore(),
      people: people(),
      budgets: budgets(),
      clock,
      ids,
      stage: environment('WFLO_STAGE'),
    };
    return openExecution({ ...ports, ...(traceId === undefined ? {} : { traceId }) }, event);
  },
);
