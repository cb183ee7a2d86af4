import { executionIdOfApproval } from '../../lib/approvals/approval-id.ts';
import type { RequestApprovalEvent } from '../../lib/execution/machine.ts';
import { platformHandler } from '../shared/platform-handler.ts';
import { clock, executionStore, taskTokenWriter, waitingStates } from '../shared/ports.ts';
import { type Requested, requestApproval } from './request.ts';

export const handler = platformHandler<RequestApprovalEvent, { readonly requested: Requested }>(
  {
    correlate: ({ approvalId }) => ({ executionId: executionIdOfApproval(approvalId) }),
    summarise: ({ requested }) => ({ requested }),
  },
  async (event) => ({
    requested: await requestApproval(
      { executions: executionStore(), tokens: taskTokenWriter(), waiting: waitingStates(), clock },
      event,
    ),
  }),
);
