import { randomBytes } from 'node:crypto';
import type { Json } from '../json.ts';
import type {
  BudgetView,
  CostEntryView,
  CostsAnswer,
  ExecutionCostsAnswer,
  HoldsAnswer,
  HoldView,
  RaiseRequest,
  SettleRequest,
  TenantBudgetAnswer,
  TenantBudgetRequest,
} from './api.ts';
import type { Caller, CallOptions } from './caller.ts';

/** What was spent on what, and what may be. */
export interface CostCalls {
  /** All entries, over all pages. */
  executionCosts(executionId: string, options?: CallOptions): Promise<Omit<ExecutionCostsAnswer, 'cursor'>>;
  /** The month so far where no days are given. */
  costs(days?: { readonly from?: string; readonly to?: string }, options?: CallOptions): Promise<CostsAnswer>;
  unsettled(options?: CallOptions): Promise<readonly HoldView[]>;
  settle(executionId: string, holdId: string, request: SettleRequest, options?: CallOptions): Promise<CostEntryView>;
  /** Every call is a raise of its own, however often it is sent on its way. */
  raiseBudget(executionId: string, request: Omit<RaiseRequest, 'raiseId'>, options?: CallOptions): Promise<BudgetView>;
  tenantBudget(options?: CallOptions): Promise<TenantBudgetAnswer>;
  setTenantBudget(request: TenantBudgetRequest, options?: CallOptions): Promise<TenantBudgetAnswer>;
}

export function costCalls({ ask }: Caller): CostCalls {
  const execution = (id: string, ...rest: string[]) => ['v1', 'executions', id, ...rest];
  return {
    async executionCosts(executionId, { signal } = {}) {
      let page: ExecutionCostsAnswer = await ask({ method: 'GET', path: execution(executionId, 'costs') }, signal);
      const { cursor: _, ...costs } = page;
      const entries = [...page.entries];
      while (page.cursor !== undefined) {
        const query = { cursor: page.cursor };
        page = await ask({ method: 'GET', path: execution(executionId, 'costs'), query }, signal);
        entries.push(...page.entries);
      }
      return { ...costs, entries };
    },

    costs: ({ from, to } = {}, { signal } = {}) =>
      ask({ method: 'GET', path: ['v1', 'costs'], query: { from, to } }, signal),

    async unsettled({ signal } = {}) {
      const holds: HoldView[] = [];
      let cursor: string | undefined;
      do {
        const page: HoldsAnswer = await ask({ method: 'GET', path: ['v1', 'holds'], query: { cursor } }, signal);
        holds.push(...page.holds);
        cursor = page.cursor;
      } while (cursor !== undefined);
      return holds;
    },

    // A repeat after a lost answer would be told `unknown_hold`, as if nothing had been done.
    settle: (executionId, holdId, request, { signal } = {}) =>
      ask(
        {
          method: 'POST',
          path: execution(executionId, 'holds', holdId),
          body: request as unknown as Json,
          once: true,
        },
        signal,
      ),

    raiseBudget(executionId, request, { signal } = {}) {
      const body = { ...request, raiseId: randomBytes(12).toString('hex') };
      return ask({ method: 'POST', path: execution(executionId, 'budget'), body }, signal);
    },

    tenantBudget: ({ signal } = {}) => ask({ method: 'GET', path: ['v1', 'budget'] }, signal),

    setTenantBudget: (request, { signal } = {}) =>
      ask({ method: 'PUT', path: ['v1', 'budget'], body: request as unknown as Json }, signal),
  };
}
