import { NANO_USD, type NanoUsd } from '../budget/money.ts';
import { ON_EXCEEDED, type OnExceeded } from '../execution/records.ts';
import type { FindingCollector } from './collector.ts';
import type { BudgetPolicy } from './definition.ts';
import { isOptions } from './is-options.ts';

const BUDGET_FIX = "write budget: { execution: usd(5), alertsAt: [0.5, 0.9], onExceeded: 'stop' }";
const AMOUNT_FIX = 'write an amount above 0 by usd(5) or usd(0.25), or leave it out for any amount';
const ALERT_FIX = 'write shares above 0 and up to 1 with at most three decimals, such as [0.5, 0.75, 0.9]';
const FIELDS = ['execution', 'agents', 'daily', 'monthly', 'alertsAt', 'onExceeded'];

/** The data of a budget, defaults filled in. Everything that is wrong with it becomes a finding. */
export function budgetPolicy(given: unknown, collector: FindingCollector): BudgetPolicy {
  if (!isOptions(given)) {
    collector.add('invalid_budget', 'budget', 'what stands here is not a budget', BUDGET_FIX);
    return { agents: {}, alertsAt: [], onExceeded: 'stop' };
  }
  const budget = new Map<string, unknown>(Object.entries(given).filter(([, value]) => value !== undefined));
  // A limit whose name is mistyped would limit nothing.
  for (const name of budget.keys()) {
    if (FIELDS.includes(name)) continue;
    collector.add('invalid_budget', `budget.${name}`, `a budget has no "${name}"`, BUDGET_FIX);
  }
  return {
    ...amountOf('execution', budget, collector),
    agents: agentsOf(budget.get('agents'), collector),
    ...amountOf('daily', budget, collector),
    ...amountOf('monthly', budget, collector),
    alertsAt: alertsOf(budget.get('alertsAt'), collector),
    onExceeded: onExceededOf(budget.get('onExceeded'), collector),
  };
}

function amountOf<K extends 'execution' | 'daily' | 'monthly'>(
  name: K,
  budget: ReadonlyMap<string, unknown>,
  collector: FindingCollector,
): { readonly [N in K]?: NanoUsd } {
  if (!budget.has(name)) return {};
  const amount = moneyAbove0(budget.get(name), `budget.${name}`, collector);
  return amount === undefined ? {} : ({ [name]: amount } as { readonly [N in K]: NanoUsd });
}

/** Money above 0; undefined, with a finding, for everything else. */
function moneyAbove0(given: unknown, place: string, collector: FindingCollector): NanoUsd | undefined {
  if (typeof given === 'number' && Number.isSafeInteger(given) && given > 0) return given as NanoUsd;
  const shown = typeof given === 'number' ? `an amount of ${given / NANO_USD} dollars` : 'what stands here';
  collector.add('invalid_budget', place, `${shown} cannot be a budget`, AMOUNT_FIX);
  return undefined;
}

function agentsOf(given: unknown, collector: FindingCollector): BudgetPolicy['agents'] {
  if (given === undefined) return {};
  if (!isOptions(given)) {
    const fix = 'write agents: { researcher: usd(2) }, by the agent of each step';
    collector.add('invalid_budget', 'budget.agents', 'what stands here is not a list of agents by name', fix);
    return {};
  }
  const amounts = Object.entries(given).flatMap(([agent, value]): [string, NanoUsd][] => {
    const amount = moneyAbove0(value, `budget.agents.${agent}`, collector);
    return amount === undefined ? [] : [[agent, amount]];
  });
  return Object.fromEntries(amounts);
}

/** In thousandths, rising. */
function alertsOf(given: unknown, collector: FindingCollector): readonly number[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) {
    collector.add('invalid_budget', 'budget.alertsAt', 'what stands here is not a list of shares', ALERT_FIX);
    return [];
  }
  const thousandths = given.flatMap((at: unknown, index) => {
    const whole = typeof at === 'number' ? Math.round(at * 1000) : Number.NaN;
    if (whole >= 1 && whole <= 1000 && whole / 1000 === at) return [whole];
    const shown = typeof at === 'number' ? String(at) : 'what stands in the list';
    collector.add('invalid_budget', `budget.alertsAt[${index}]`, `${shown} is not a share of a budget`, ALERT_FIX);
    return [];
  });
  return [...new Set(thousandths)].sort((a, b) => a - b);
}

function onExceededOf(given: unknown, collector: FindingCollector): OnExceeded {
  const known = ON_EXCEEDED.find((word) => word === given);
  if (known !== undefined || given === undefined) return known ?? 'stop';
  collector.add(
    'invalid_budget',
    'budget.onExceeded',
    'what a refused call means is none of the words for it',
    `write ${ON_EXCEEDED.map((word) => `'${word}'`).join(' or ')}`,
  );
  return 'stop';
}
