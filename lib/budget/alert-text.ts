import type { Scope } from './ledger.ts';
import { decimalUsd, nanoUsd } from './money.ts';
import { scopeText } from './refusal-text.ts';

/** What an event about a budget carries, as the catalogue of events has it. */
export interface BudgetNews {
  readonly eventType: string;
  readonly executionId: string;
  readonly data: { readonly [field: string]: unknown };
}

export interface AlertText {
  /** At most 100 characters of ASCII, as SNS wants a subject. */
  readonly subject: string;
  readonly message: string;
}

/** What people are told of `cost.alert`, `cost.exceeded` and `cost.unsettled`; undefined for every other event. */
export function alertText(news: BudgetNews, stage: string): AlertText | undefined {
  const { data, executionId } = news;
  const about = `\n\nAbout: ${executionId}`;
  if (news.eventType === 'cost.alert') {
    const share = `${Math.round(Number(data.threshold) * 1000) / 10} %`;
    return textOf(
      stage,
      `${budgetName(data.scope)} has spent ${share}`,
      `${budgetName(data.scope)} has spent ${money(data.spentNanoUsd)} of ${money(data.limitNanoUsd)}, which is ${share} or more.${about}`,
    );
  }
  if (news.eventType === 'cost.exceeded') {
    return textOf(
      stage,
      `${budgetName(data.scope)} did not suffice`,
      `A call or a sandbox would have needed up to ${money(data.neededNanoUsd)} and was not made: of ${money(data.limitNanoUsd)} ` +
        `${money(data.spentNanoUsd)} are spent and ${money(data.heldNanoUsd)} are held.\n${CONSEQUENCES[String(data.onExceeded)] ?? ''}${about}`,
    );
  }
  if (news.eventType === 'cost.unsettled') {
    return textOf(
      stage,
      'the cost of a call is not known',
      `${money(data.heldNanoUsd)} stay held for ${String(data.holdId)}: ${String(data.reason)}.\n` +
        `See \`wflo costs unsettled\`, look the call up in the bill of its provider, and settle it.${about}`,
    );
  }
  return undefined;
}

const CONSEQUENCES: { readonly [onExceeded: string]: string } = {
  deny: 'The agent was told so, and may go on without it.',
  stop: 'The execution was stopped.',
  ask: 'It waits for somebody to raise the budget: see `wflo approvals`, or raise it with `wflo budget raise EXECUTION DOLLARS`.',
};

function textOf(stage: string, subject: string, message: string): AlertText {
  // A name is ASCII by its own rules; whatever else came would be refused with the whole message.
  const ascii = `Wflo ${stage}: ${subject}`.replaceAll(/[^\x20-\x7e]/g, '?');
  return { subject: ascii.length <= 100 ? ascii : `${ascii.slice(0, 97)}...`, message };
}

/** `the budget of the workflow research in 2026-11`. */
function budgetName(scope: unknown): string {
  return `the budget of ${scopeText(scope as Scope)}`;
}

function money(amount: unknown): string {
  const value = Number(amount);
  return `${value < 0 ? '-' : ''}$${decimalUsd(nanoUsd(Math.abs(value)))}`;
}
