import type { CostRow, Hold, LedgerEntry, Scope, ScopeState } from '../../lib/budget/ledger.ts';
import { dollars, ZERO_USD } from '../../lib/budget/money.ts';
import { TOKEN_CLASSES, type TokenClass, type Usage } from '../../lib/budget/usage.ts';
import type { BudgetView, CostEntryView, CostRowView, HoldView } from '../../lib/client/api.ts';

/** `state` is undefined where nothing was reserved in it yet. */
export function budgetView(scope: Scope, state: Omit<ScopeState, 'scope'> | undefined): BudgetView {
  const { limit, remaining, spent = ZERO_USD, held = ZERO_USD } = state ?? {};
  return {
    kind: scope.kind,
    ...(scope.kind === 'agent' ? { name: scope.agent } : {}),
    ...(scope.kind === 'workflow' ? { name: scope.workflow } : {}),
    ...('period' in scope ? { period: scope.period } : {}),
    limitUsd: limit === undefined ? null : dollars(limit),
    spentUsd: dollars(spent),
    heldUsd: dollars(held),
    remainingUsd: limit === undefined || remaining === undefined ? null : dollars(remaining),
  };
}

export function entryView(entry: LedgerEntry): CostEntryView {
  const { payer, purpose, usage } = entry;
  return {
    holdId: entry.holdId,
    kind: entry.kind,
    ...spentOn({ payer, purpose }),
    costUsd: dollars(entry.cost),
    reservedUsd: dollars(entry.held),
    source: entry.source,
    inputTokens: tokensOf(usage, (name) => !isOutput(name)),
    outputTokens: tokensOf(usage, isOutput),
    priceBook: purpose.priceBook,
    settledAt: entry.settledAt,
  };
}

export function holdView(hold: Hold): HoldView {
  return {
    executionId: hold.payer.executionId,
    holdId: hold.holdId,
    ...spentOn(hold),
    heldUsd: dollars(hold.amount),
    since: hold.createdAt,
    reason: hold.reason ?? '',
  };
}

export function costRowView({ cost, ...row }: CostRow): CostRowView {
  return { ...row, costUsd: dollars(cost) };
}

function spentOn({ payer, purpose }: Pick<Hold, 'payer' | 'purpose'>) {
  const { path, attempt, agent } = payer;
  return { stepPath: path, attempt, agent, provider: purpose.provider, model: purpose.model };
}

function isOutput(name: TokenClass): boolean {
  return name.startsWith('output');
}

function tokensOf(usage: Usage | undefined, counts: (name: TokenClass) => boolean): number {
  return TOKEN_CLASSES.filter(counts).reduce((sum, name) => sum + (usage?.tokens[name] ?? 0), 0);
}
