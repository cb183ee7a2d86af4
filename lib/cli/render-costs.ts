import { decimalUsd, dollars, nanoUsd, sumUsd, usd } from '../budget/money.ts';
import type { BudgetView, ExecutionCostsAnswer, HoldView, TenantBudgetAnswer } from '../client/api.ts';
import { type Style, visible } from './style.ts';
import { table } from './table.ts';
import { instantText } from './times.ts';

/** The sum over everything with one name. */
export interface CostShare {
  readonly name: string;
  readonly calls: number;
  readonly costUsd: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

interface Spent {
  readonly calls: number;
  readonly costUsd: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Dearest first; those that cost the same by name. Added up in nano-USD. */
export function sharesBy<T extends Spent>(rows: readonly T[], nameOf: (row: T) => string): readonly CostShare[] {
  const sums = new Map<string, { nano: number; calls: number; inputTokens: number; outputTokens: number }>();
  for (const row of rows) {
    const name = nameOf(row);
    const sum = sums.get(name) ?? { nano: 0, calls: 0, inputTokens: 0, outputTokens: 0 };
    sums.set(name, {
      nano: sum.nano + usd(row.costUsd),
      calls: sum.calls + row.calls,
      inputTokens: sum.inputTokens + row.inputTokens,
      outputTokens: sum.outputTokens + row.outputTokens,
    });
  }
  return [...sums]
    .map(([name, { nano, ...rest }]) => ({ name, costUsd: dollars(nanoUsd(nano)), ...rest }))
    .sort((a, b) => b.costUsd - a.costUsd || (a.name < b.name ? -1 : 1));
}

/** All its decimals, at least two: `$0.09`, `$0.0000375`. */
export function exactUsd(dollars: number): string {
  return dollars < 0 ? `-$${decimalUsd(usd(-dollars))}` : `$${decimalUsd(usd(dollars))}`;
}

export function costLines(what: string, by: string, shares: readonly CostShare[], style: Style): readonly string[] {
  if (shares.length === 0) return [`nothing was spent: ${what}`];
  return [`${style('bold', what)}  ${exactUsd(total(shares))}`, ...shareTable(by, shares, style)];
}

export function executionCostLines(
  answer: Omit<ExecutionCostsAnswer, 'cursor'>,
  by: string,
  shares: readonly CostShare[],
  style: Style,
): readonly string[] {
  return [
    `${style('bold', answer.executionId)}  ${answer.status}  ${exactUsd(total(shares))}`,
    ...budgetLines(answer.budgets, style).map((line) => `  ${line}`),
    ...(shares.length === 0 ? ['  nothing was spent'] : shareTable(by, shares, style).map((line) => `  ${line}`)),
    ...(answer.unsettled.length === 0
      ? []
      : [
          `  ${style('yellow', `${answer.unsettled.length} calls whose cost is not known`)}: ${exactUsd(sumOf(answer.unsettled.map(({ heldUsd }) => heldUsd)))} stay held`,
        ]),
  ];
}

function total(shares: readonly CostShare[]): number {
  return sumOf(shares.map(({ costUsd }) => costUsd));
}

function sumOf(amounts: readonly number[]): number {
  return dollars(sumUsd(...amounts.map(usd)));
}

function shareTable(by: string, shares: readonly CostShare[], style: Style): string[] {
  return table([
    [by.toUpperCase(), 'COST', 'CALLS', 'IN', 'OUT'].map((title) => style('dim', title)),
    ...shares.map((share) => [
      visible(share.name),
      exactUsd(share.costUsd),
      share.calls === 0 ? '' : String(share.calls),
      share.calls === 0 ? '' : String(share.inputTokens),
      share.calls === 0 ? '' : String(share.outputTokens),
    ]),
  ]);
}

export function budgetLines(budgets: readonly BudgetView[], style: Style): string[] {
  if (budgets.length === 0) return [];
  return table([
    ['BUDGET', 'LIMIT', 'SPENT', 'HELD', 'LEFT'].map((title) => style('dim', title)),
    ...budgets.map((budget) => [
      visible([budget.kind, budget.name, budget.period].filter((word) => word !== undefined).join(' ')),
      budget.limitUsd === null ? 'none' : exactUsd(budget.limitUsd),
      exactUsd(budget.spentUsd),
      exactUsd(budget.heldUsd),
      budget.remainingUsd === null
        ? ''
        : style(budget.remainingUsd <= 0 ? 'red' : 'green', exactUsd(budget.remainingUsd)),
    ]),
  ]);
}

export function tenantBudgetLines(answer: TenantBudgetAnswer, style: Style): readonly string[] {
  const alerts = answer.alertsAt.map((share) => `${Math.round(share * 1000) / 10} %`).join(', ');
  return [
    `${style('bold', `tenant ${visible(answer.tenant)}`)}${alerts === '' ? '' : `  alerts at ${alerts}`}`,
    ...budgetLines(answer.budgets, style).map((line) => `  ${line}`),
  ];
}

export function holdLines(holds: readonly HoldView[], style: Style): readonly string[] {
  if (holds.length === 0) return ['the cost of every call is known'];
  return table([
    ['EXECUTION', 'HOLD', 'STEP', 'MODEL', 'HELD', 'SINCE', 'WHY'].map((title) => style('dim', title)),
    ...holds.map((hold) => [
      visible(hold.executionId),
      visible(hold.holdId),
      visible(hold.stepPath),
      visible(`${hold.provider}/${hold.model}`),
      exactUsd(hold.heldUsd),
      instantText(hold.since),
      visible(hold.reason),
    ]),
  ]);
}
