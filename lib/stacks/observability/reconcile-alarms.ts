import { Duration } from 'aws-cdk-lib';
import { type IMetric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Alarms } from './alarms.ts';
import { counted } from './metrics.ts';

/** What a check had to repair although another path should have done it, and from how much of it on that needs a person. */
interface RepairAlarm {
  readonly check: string;
  readonly threshold: number;
  readonly minutes: number;
  /** Periods of that many minutes, one after the other. */
  readonly periods?: number;
  readonly description: string;
}

const REPAIRS: Readonly<Record<string, RepairAlarm>> = {
  // A burst that is more than a minute of the relay's work is no fault; what the relay gave up has a queue with an alarm.
  EventsOverlooked: {
    check: 'unpublished-events',
    threshold: 10,
    minutes: 5,
    description:
      'Ten outbox items in five minutes were published by reconcile and not by the relay: look at relay-events, ' +
      'and at the mapping that starts it from the stream of the Events table',
  },
  // Fencing what acts is what an emergency stop is for; once it holds, nothing new may be found.
  FreezeNotHolding: {
    check: 'frozen-leases',
    threshold: 1,
    minutes: 1,
    periods: 5,
    description:
      'For five minutes one after the other reconcile found sandboxes that act under an emergency stop: ' +
      'more than it can end in a minute, or claims get past the stop. Look at the events sandbox.claimed and sandbox.lost',
  },
  // A host of Fargate dies now and then; three within a quarter of an hour have a common cause.
  SandboxesLost: {
    check: 'silent-leases',
    threshold: 3,
    minutes: 15,
    description:
      'Three sandboxes in a quarter of an hour gave no sign for six minutes: look at the sandbox API and at the ' +
      'network between it and the tasks. The events sandbox.lost name them',
  },
  // From the first one: whoever decided sees that nothing happens. What expires there is no repair.
  ApprovalsOverlooked: {
    check: 'overdue-approvals',
    threshold: 1,
    minutes: 1,
    description:
      'A decision did not reach the state that waits for it, and was found by reconcile half a minute later or more: ' +
      'look at resume-approval and at the mapping that starts it from the stream of the Events table',
  },
  EndsOverlooked: {
    check: 'open-executions',
    threshold: 1,
    minutes: 5,
    description:
      'An execution had ended, or was to be stopped, and more than a minute later its record was still open: an end ' +
      'event was lost, or end-execution or the control API was cut off. Look at their logs by the execution',
  },
  TasksOverlooked: {
    check: 'orphaned-tasks',
    threshold: 1,
    minutes: 5,
    description:
      'A task ran on for more than a minute after its right to act had ended: look at the log of end-execution and ' +
      'finish-step, and whether they may call ecs:StopTask',
  },
  // A gateway that is cut off leaves its calls open; ten in a quarter of an hour were cut off together.
  HoldsAbandoned: {
    check: 'expired-holds',
    threshold: 10,
    minutes: 15,
    description:
      'Ten model calls in a quarter of an hour were neither settled nor renewed in time: what they cost is not known, ' +
      'and all that was reserved for them stays held. Look at the log of the gateway',
  },
};

/** Checks that know since when the oldest thing has been due. */
const LATE: Readonly<Record<string, string>> = {
  EventsLate: 'unpublished-events',
  LeasesLate: 'silent-leases',
  ApprovalsLate: 'overdue-approvals',
  ExecutionsLate: 'open-executions',
  HoldsLate: 'expired-holds',
};

/** Answers what the dashboard shows of it. */
export function alarmOnReconcile(alarms: Alarms): {
  readonly repairs: readonly IMetric[];
  readonly late: readonly IMetric[];
} {
  const repairs = Object.entries(REPAIRS).map(([id, { check, threshold, minutes, periods = 1, description }]) => {
    const metric = counted('ReconcileRepairs', 'reconcile', { check }).with({ period: Duration.minutes(minutes) });
    alarms.add(id, { metric, threshold, periods, description });
    return metric;
  });
  const late = Object.entries(LATE).map(([id, check]) => {
    const metric = counted('ReconcileLateSeconds', 'reconcile', { check }).with({ statistic: Stats.MAXIMUM });
    alarms.add(id, {
      metric,
      threshold: 600,
      periods: 5,
      description:
        `The check ${check} of reconcile has been more than ten minutes behind for five minutes: there is more than ` +
        'it can do, or what it finds cannot be repaired. Lines `check failed` in the log of reconcile say why',
    });
    return metric;
  });
  alarms.add('ReconcileFailing', {
    // What fails once may have its next turn in five minutes: the errors of the function alone do not tell.
    metric: counted('ReconcileFailures', 'reconcile').with({ period: Duration.minutes(15) }),
    threshold: 3,
    description:
      'Three checks or repairs failed in a quarter of an hour: what they should repair stays as it is. ' +
      'Lines `check failed` in the log of reconcile say what and why',
  });
  alarms.add('ReconcileNotRunning', {
    metric: counted('ReconcileRuns', 'reconcile'),
    threshold: 1,
    periods: 5,
    missing: 'alarms',
    description:
      'Reconcile has not come to the end of a run for five minutes: nothing that is overdue is repaired, and no time ' +
      'limit of a workflow is kept. Look at the rule that starts it every minute, and at its log',
  });
  alarms.add('ReconcileNotCalled', {
    metric: counted('ReconcileNotCalled', 'serve-control-api'),
    threshold: 1,
    description:
      'Somebody set an emergency stop, and reconcile could not be called: the stop holds, and what acts loses its ' +
      'right up to a minute later. The failure is in the log of serve-control-api',
  });
  return { repairs, late };
}
