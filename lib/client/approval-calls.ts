import type { Json } from '../json.ts';
import type { ApprovalSummary, ApprovalsAnswer, ApprovalView, DecisionRequest } from './api.ts';
import type { Caller, CallOptions } from './caller.ts';

export interface ApprovalsQuery {
  /** Also what is decided, expired or cancelled. */
  readonly all?: boolean;
  /** Approvals per page: 1 to 100. */
  readonly pageSize?: number;
}

export interface ApprovalCalls {
  /** Pages of approvals, newest first, each fetched when it is asked for. */
  approvals(query?: ApprovalsQuery, options?: CallOptions): AsyncIterable<readonly ApprovalSummary[]>;
  approval(approvalId: string, options?: CallOptions): Promise<ApprovalView>;
  decide(approvalId: string, request: DecisionRequest, options?: CallOptions): Promise<ApprovalView>;
}

export function approvalCalls({ ask }: Caller): ApprovalCalls {
  const approval = (approvalId: string, ...rest: string[]) => ['v1', 'approvals', approvalId, ...rest];
  return {
    async *approvals({ all = false, pageSize } = {}, { signal } = {}) {
      let cursor: string | undefined;
      do {
        const page: ApprovalsAnswer = await ask(
          {
            method: 'GET',
            path: ['v1', 'approvals'],
            query: {
              all: all ? 'true' : undefined,
              limit: pageSize === undefined ? undefined : String(pageSize),
              cursor,
            },
          },
          signal,
        );
        yield page.approvals;
        cursor = page.cursor;
      } while (cursor !== undefined);
    },

    approval: (approvalId, { signal } = {}) => ask({ method: 'GET', path: approval(approvalId) }, signal),

    decide: (approvalId, request, { signal } = {}) =>
      ask({ method: 'POST', path: approval(approvalId, 'decision'), body: request as unknown as Json }, signal),
  };
}
