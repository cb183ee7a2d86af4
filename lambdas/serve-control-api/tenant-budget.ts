import { buildEvent } from '../../lib/audit/build-event.ts';
import type { Scope, WindowLimits } from '../../lib/budget/ledger.ts';
import { usd } from '../../lib/budget/money.ts';
import type { TenantBudgetAnswer, TenantBudgetRequest } from '../../lib/client/api.ts';
import { WfloError } from '../../lib/errors.ts';
import { tenantChain } from '../../lib/people/tenant-chain.ts';
import { budgetView } from './cost-views.ts';
import type { ControlApiPorts } from './ports.ts';
import type { Principal } from './principal.ts';

export async function tenantBudget(
  ports: Pick<ControlApiPorts, 'budgets' | 'clock'>,
  tenant: string,
): Promise<TenantBudgetAnswer> {
  const limits = await ports.budgets.getTenantLimits(tenant);
  const now = ports.clock.now().toISOString();
  const windows = [
    { scope: { kind: 'tenant', tenant, window: 'day', period: now.slice(0, 10) }, limit: limits.daily },
    { scope: { kind: 'tenant', tenant, window: 'month', period: now.slice(0, 7) }, limit: limits.monthly },
  ] as const satisfies readonly { readonly scope: Scope; readonly limit: unknown }[];
  const states = await Promise.all(windows.map(({ scope }) => ports.budgets.getScope(scope)));
  return {
    tenant,
    alertsAt: (limits.alertsAt ?? []).map((thousandths) => thousandths / 1000),
    budgets: windows.map(({ scope, limit }, index) =>
      // A window that nothing was reserved in yet begins with the limit.
      budgetView(scope, states[index] ?? (limit === undefined ? undefined : begun(limit))),
    ),
  };
}

function begun(limit: NonNullable<WindowLimits['daily']>) {
  const nothing = usd(0);
  return { limit, remaining: limit, spent: nothing, held: nothing, inflight: 0 };
}

export async function setTenantBudget(
  ports: Pick<ControlApiPorts, 'budgets' | 'announcements' | 'clock' | 'ids'>,
  { tenant, actor }: Principal,
  request: TenantBudgetRequest,
): Promise<TenantBudgetAnswer> {
  const limits: WindowLimits = {
    ...(request.dailyUsd === undefined ? {} : { daily: positive('dailyUsd', request.dailyUsd) }),
    ...(request.monthlyUsd === undefined ? {} : { monthly: positive('monthlyUsd', request.monthlyUsd) }),
    ...(request.alertsAt === undefined
      ? {}
      : { alertsAt: [...new Set(request.alertsAt.map((share) => Math.round(share * 1000)))].sort((a, b) => a - b) }),
  };
  await ports.budgets.setTenantLimits(tenant, limits);
  const chain = tenantChain(tenant);
  await ports.announcements.announceOnce(`BUDGET#${tenant}#${ports.ids.next()}`, chain.executionId, [
    buildEvent(ports, chain, {
      type: 'budget.set',
      actor,
      data: {
        tenant,
        ...(limits.daily === undefined ? {} : { dailyNanoUsd: limits.daily }),
        ...(limits.monthly === undefined ? {} : { monthlyNanoUsd: limits.monthly }),
        ...(request.alertsAt === undefined ? {} : { alertsAt: [...request.alertsAt] }),
      },
    }),
  ]);
  return tenantBudget(ports, tenant);
}

function positive(field: string, text: string) {
  const amount = usd(text);
  if (amount > 0) return amount;
  throw new WfloError('invalid_budget', `body.${field}: a limit of nothing would refuse every call`, {
    fix: 'leave it out for no limit; `wflo freeze --tenant` stops a tenant',
  });
}
