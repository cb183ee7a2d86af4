import type { CostsAnswer, ExecutionCostsAnswer, HoldsAnswer } from '../../lib/client/api.ts';
import { WfloError } from '../../lib/errors.ts';
import type { Serve } from './control-api.ts';
import { budgetView, costRowView, entryView, holdView } from './cost-views.ts';
import type { ControlApiPorts } from './ports.ts';
import { raiseBudget } from './raise-budget.ts';
import { loadExecution } from './read-execution.ts';
import {
  CostsParameters,
  checked,
  EntriesParameters,
  HoldsParameters,
  parsedBody,
  RaiseBody,
  SettleBody,
  TenantBudgetBody,
  withoutUndefined,
} from './requests.ts';
import { settleHold } from './settle-hold.ts';
import { setTenantBudget, tenantBudget } from './tenant-budget.ts';

/** A report reads one partition of the ledger a day. */
const MOST_DAYS = 92;
const DAY_MS = 24 * 60 * 60 * 1000;

/** What was spent, what may be, and what nobody knows. */
export function serveCosts(serve: Serve, ports: ControlApiPorts): void {
  serve('GET /v1/executions/:id/costs', async (c) => {
    const query = withoutUndefined(checked(EntriesParameters, 'query', c.req.query()));
    const { executionId, workflow, status } = await loadExecution(ports, c.get('principal'), c.req.param('id'));
    const [scopes, holds, page] = await Promise.all([
      ports.budgets.listScopes(executionId),
      ports.ledger.listHolds(executionId),
      ports.budgets.listEntries(executionId, query),
    ]);
    const answer: ExecutionCostsAnswer = {
      executionId,
      workflow,
      status,
      budgets: scopes.map((state) => budgetView(state.scope, state)),
      entries: page.items.map(entryView),
      unsettled: holds.filter(({ state }) => state === 'unsettled').map(holdView),
      ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
    };
    return c.json(answer);
  });

  serve('POST /v1/executions/:id/budget', async (c) => {
    const request = withoutUndefined(checked(RaiseBody, 'body', parsedBody(await c.req.text())));
    return c.json(await raiseBudget(ports, c.get('principal'), c.req.param('id'), request));
  });

  serve('POST /v1/executions/:id/holds/:hold', async (c) => {
    const request = checked(SettleBody, 'body', parsedBody(await c.req.text()));
    const { id, hold } = c.req.param();
    return c.json(await settleHold(ports, c.get('principal'), { executionId: id, holdId: hold, ...request }));
  });

  serve('GET /v1/costs', async (c) => {
    const { tenant } = c.get('principal');
    const days = daysOf(ports, withoutUndefined(checked(CostsParameters, 'query', c.req.query())));
    const rows = await ports.budgets.listCosts(tenant, days);
    const answer: CostsAnswer = { ...days, rows: rows.map(costRowView) };
    return c.json(answer);
  });

  serve('GET /v1/holds', async (c) => {
    const query = withoutUndefined(checked(HoldsParameters, 'query', c.req.query()));
    const page = await ports.ledger.unsettledHolds(c.get('principal').tenant, query);
    const answer: HoldsAnswer = {
      holds: page.items.map(holdView),
      ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
    };
    return c.json(answer);
  });

  serve('GET /v1/budget', async (c) => c.json(await tenantBudget(ports, c.get('principal').tenant)));

  serve('PUT /v1/budget', async (c) => {
    const request = withoutUndefined(checked(TenantBudgetBody, 'body', parsedBody(await c.req.text())));
    return c.json(await setTenantBudget(ports, c.get('principal'), request));
  });
}

/** The month so far where nothing is said. */
function daysOf(
  { clock }: Pick<ControlApiPorts, 'clock'>,
  query: { readonly from?: string; readonly to?: string },
): { readonly from: string; readonly to: string } {
  const today = clock.now().toISOString().slice(0, 10);
  const to = query.to ?? today;
  const from = query.from ?? `${to.slice(0, 8)}01`;
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
  if (days >= 1 && days <= MOST_DAYS) return { from, to };
  throw new WfloError('invalid_request', `from ${from} to ${to} are ${days} days`, {
    fix: `ask for 1 to ${MOST_DAYS} days`,
  });
}
