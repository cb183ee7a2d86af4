import { raiseApproval, raiseAsked } from '../../lib/approvals/raise-approval.ts';
import { usd } from '../../lib/budget/money.ts';
import type { ApprovalRecord, ExecutionRecord, RaisableScope } from '../../lib/execution/records.ts';

/** A call of $0.09 did not fit into `limit`, of which $0.09 are spent. */
export function aRaiseApproval(
  execution: ExecutionRecord,
  {
    limit = '0.10',
    agent,
    number = 1,
    ...fields
  }: Partial<ApprovalRecord> & {
    readonly limit?: string;
    readonly agent?: string;
    readonly number?: number;
  } = {},
): ApprovalRecord {
  const { executionId } = execution;
  const scope: RaisableScope =
    agent === undefined ? { kind: 'execution', executionId } : { kind: 'agent', executionId, agent };
  const cost = usd('0.09');
  const refusal = {
    code: 'budget_exhausted',
    scope,
    limit: usd(limit),
    spent: cost,
    held: usd(0),
    needed: cost,
  } as const;
  const now = new Date(execution.startedAt);
  return {
    ...raiseApproval(execution, { raise: raiseAsked(refusal, 'plan'), attempt: 1, number, now }),
    ...fields,
  };
}
