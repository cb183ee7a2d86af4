import type { BusDetail } from '../../lib/aws/event-bridge-bus.ts';
import { type AlertText, alertText } from '../../lib/budget/alert-text.ts';

export interface TellPorts {
  readonly stage: string;
  /** Throws where it could not be handed over: the call is made again, and at last kept in a queue. */
  readonly publish: (text: AlertText) => Promise<void>;
  /** Counts one, for a workflow or for `tenant`. */
  readonly count: (metric: 'BudgetAlerts' | 'BudgetsExceeded', workflow: string) => void;
}

/** Metrics of events: what a person does with an unsettled hold is watched by the number of them, not here. */
const METRICS: { readonly [eventType: string]: 'BudgetAlerts' | 'BudgetsExceeded' } = {
  'cost.alert': 'BudgetAlerts',
  'cost.exceeded': 'BudgetsExceeded',
};

/** One event of the bus to the people who subscribed. Answers whether it was one of those that they are told. */
export async function tellBudgets(ports: TellPorts, detail: BusDetail): Promise<boolean> {
  const text = alertText(detail, ports.stage);
  if (text === undefined) return false;
  await ports.publish(text);
  const metric = METRICS[detail.eventType];
  if (metric !== undefined) ports.count(metric, detail.workflow);
  return true;
}
