import type { InvokeEvent } from '../../lib/execution/machine.ts';
import { platformHandler } from '../shared/platform-handler.ts';
import { blobStore, clock, executionStore, ids, people, stepFunctionInvoker } from '../shared/ports.ts';
import { type InvokeAnswer, invokeStep } from './invoke.ts';

export const handler = platformHandler<InvokeEvent, InvokeAnswer>(
  {
    correlate: ({ executionId, path, attempt }) => ({ executionId, stepPath: path, attempt }),
    summarise: (answer) => ({ ...answer }),
  },
  (event) =>
    invokeStep(
      {
        executions: executionStore(),
        blobs: blobStore(),
        people: people(),
        invoker: stepFunctionInvoker(),
        clock,
        ids,
      },
      event,
    ),
);
