import { executionIdOfApproval } from '../../lib/approvals/approval-id.ts';
import { expireApproval } from '../../lib/approvals/expire.ts';
import { answerOf } from '../../lib/approvals/resume.ts';
import { expectSchema } from '../../lib/execution/accepted-schema.ts';
import { GRAPH } from '../../lib/execution/actors.ts';
import type { ApprovedAnswer, ExpireApprovalEvent } from '../../lib/execution/machine.ts';
import { platformHandler } from '../shared/platform-handler.ts';
import { clock, executionStore, ids } from '../shared/ports.ts';

/** The waiting state ended in another way than by a decision: nobody waits for this approval any more. */
export const handler = platformHandler<ExpireApprovalEvent, ApprovedAnswer>(
  {
    correlate: ({ approvalId }) => ({ executionId: executionIdOfApproval(approvalId) }),
    summarise: ({ decision }) => ({ decision }),
  },
  async ({ schema, approvalId }) => {
    expectSchema(schema);
    const approval = await expireApproval({ executions: executionStore(), clock, ids }, approvalId, GRAPH, 'cancel');
    return approval === null ? { decision: 'refused' } : answerOf(approval);
  },
);
