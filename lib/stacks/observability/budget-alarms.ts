import { type IMetric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Alarms } from './alarms.ts';
import { counted } from './metrics.ts';

/** Answers what the dashboard shows of it. `workflows`: each has an alarm of its own. */
export function alarmOnBudgets(alarms: Alarms, workflows: readonly string[]): readonly IMetric[] {
  const exceeded = workflows.map((workflow) => {
    const metric = counted('BudgetsExceeded', 'tell-budgets', { workflow });
    alarms.add(`BudgetExceeded-${workflow}`, {
      metric,
      threshold: 1,
      description:
        `A budget did not suffice for a call or a sandbox of the workflow ${workflow}, which was not made. ` +
        'The event cost.exceeded names the budget; `wflo costs` shows what was spent on what',
    });
    return metric;
  });
  const violations = counted('BoundViolated', 'watch-budgets');
  alarms.add('BoundViolated', {
    metric: violations,
    threshold: 1,
    description:
      'A call or a sandbox has cost more than its worst case: a price, a time limit or a bound is wrong, and a budget may be overspent by the ' +
      'difference. The error in the log of watch-budgets names the execution, the model and the hold',
  });
  const unsettled = counted('UnsettledHolds', 'watch-budgets');
  alarms.add('CostUnknown', {
    metric: unsettled,
    threshold: 1,
    description:
      'What a call has cost is not known, and all that was reserved for it stays held: `wflo costs unsettled` lists ' +
      'such calls, and the event cost.unsettled says why',
  });
  const unreachable = counted('LedgerUnreachable', 'serve-gateway').with({ statistic: Stats.SUM });
  alarms.add('LedgerUnreachable', {
    metric: unreachable,
    threshold: 1,
    periods: 2,
    description:
      'The budget ledger could not be reached in two minutes one after the other: every model call is refused. ' +
      'Look at DynamoDB in the region, and at the log of serve-gateway',
  });
  return [...exceeded, violations, unsettled, unreachable];
}
