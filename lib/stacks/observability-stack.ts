import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { DeadLetterQueue } from '../constructs/dead-letter-queue/dead-letter-queue.ts';
import type { Deployment } from '../constructs/deployment/deployment.ts';
import { EventSchemas } from '../constructs/event-schemas/event-schemas.ts';
import type { PlatformFunction } from '../constructs/platform-function/platform-function.ts';
import type { ServiceApi } from '../constructs/service-api/service-api.ts';
import type { DataStack } from './data-stack.ts';
import type { PlatformStack } from './platform-stack.ts';
import type { WorkflowsStack } from './workflows-stack.ts';

export interface ObservabilityStackProps extends StackProps {
  readonly deployment: Deployment;
  readonly data: DataStack;
  readonly platform: PlatformStack;
  readonly workflows: WorkflowsStack;
}

interface AlarmOptions {
  readonly metric: IMetric;
  readonly threshold: number;
  readonly minutes?: number;
  /** What it means and where to look. */
  readonly description: string;
}

/** Alarms on what needs a person, all to one topic that people subscribe to, one page of graphs, and the schemas of events. */
export class ObservabilityStack extends Stack {
  private readonly stage: string;
  private readonly topic: Topic;

  constructor(scope: Construct, id: string, props: ObservabilityStackProps) {
    super(scope, id, props);
    const { deployment, data, platform, workflows } = props;
    this.stage = deployment.stage;
    this.topic = this.makeTopic(data);
    new EventSchemas(this, 'EventSchemas', { deployment });

    const functions = [
      platform.openExecution,
      platform.prepareStep,
      workflows.invokeStep,
      platform.requestApproval,
      platform.resumeApproval,
      platform.expireApproval,
      platform.finishStep,
      platform.closeExecution,
      platform.endExecution,
      platform.relayEvents,
      platform.reconcile,
      platform.serveSandboxApi,
      platform.serveControlApi,
    ];
    for (const fn of functions) this.alarmOnErrors(fn);
    for (const queue of [
      data.undeliveredEvents,
      platform.undeliveredRecords,
      platform.undeliveredEndings,
      platform.undeliveredDecisions,
    ]) {
      this.alarmOnQueue(queue);
    }
    const lag = functionMetric(platform.relayEvents, 'IteratorAge', Stats.MAXIMUM);
    this.alarm('RelayBehind', {
      metric: lag,
      threshold: 60_000,
      minutes: 3,
      description: 'The relay is more than a minute behind the outbox: events reach the audit chain and the bus late',
    });
    const conflicts = counted('ClaimConflict', 'serve-sandbox-api');
    this.alarm('ClaimConflict', {
      metric: conflicts,
      threshold: 1,
      description:
        'Two runners claimed one lease: somebody may have read a bootstrap code. See the event sandbox.claim_conflict',
    });
    const refusals = this.alarmOnSandboxes();
    this.alarm('AuditGap', {
      metric: counted('AuditGaps', 'relay-events'),
      threshold: 1,
      description: 'An outbox item could not be read and stands in a chain as audit.gap',
    });
    this.alarm('UnknownOutboxItems', {
      metric: counted('UnknownOutboxItems', 'relay-events'),
      threshold: 1,
      description: 'Somebody wrote something else into the Events table; nothing of it can stand in a chain',
    });
    // From the first one: whoever decided sees that nothing happens. What expires there is no repair.
    this.alarm('ApprovalsOverlooked', {
      metric: counted('ReconcileRepairs', 'reconcile', { check: 'overdue-approvals' }),
      threshold: 1,
      description:
        'A decision did not reach the state that waits for it, and was found by reconcile half a minute later or more: ' +
        'look at resume-approval and at the mapping that starts it from the stream of the Events table',
    });
    this.makeDashboard(functions, lag, [conflicts, ...refusals], platform);
  }

  /**
   * What sandboxes tried and were refused, or what was noticed of them. Answers what the dashboard shows of it. There is
   * no alarm on `LateResult`: every cancelled sandbox may report late, and it changes nothing.
   */
  private alarmOnSandboxes(): readonly IMetric[] {
    const refused = counted('ClaimRefused', 'serve-sandbox-api').with({ period: Duration.minutes(5) });
    // Five, because one or two come from a runner whose answer was lost, or a task that ended in that moment.
    this.alarm('ClaimRefused', {
      metric: refused,
      threshold: 5,
      description:
        'Five claims in five minutes were refused: somebody may guess codes, or tasks run another revision than was frozen. ' +
        'Lines with status 403 in the log of serve-sandbox-api name the execution and the step',
    });
    const outcomes = [counted('OutcomeRefused', 'finish-step'), counted('OutcomeRefused', 'reconcile')] as const;
    const description =
      'An outcome.json does not count: the runner that claimed did not write it, or not for this attempt. ' +
      'The warning in the log says which and why';
    // By function, each from the first one: no runner of ours leaves such a file.
    this.alarm('FinishStepOutcomeRefused', { metric: outcomes[0], threshold: 1, description });
    this.alarm('ReconcileOutcomeRefused', { metric: outcomes[1], threshold: 1, description });
    const unwritten = counted('LogsNotWritten', 'serve-sandbox-api');
    // Runners send such lines again: one throttled minute loses none.
    this.alarm('LogsNotWritten', {
      metric: unwritten,
      threshold: 1,
      minutes: 3,
      description:
        'Log lines of sandboxes could not be written in three minutes one after the other; runners drop them in the end. ' +
        'The failure is in the log of serve-sandbox-api',
    });
    const elsewhere = counted('ClaimSourceDiffers', 'serve-sandbox-api');
    this.alarm('ClaimSourceDiffers', {
      metric: elsewhere,
      threshold: 1,
      description:
        'A claim with the right code came from another address of the network than its task has: something else in the network may act for it. ' +
        'The warning in the log of serve-sandbox-api has both addresses',
    });
    return [refused, ...outcomes, unwritten, elsewhere, counted('LateResult', 'serve-sandbox-api')];
  }

  private makeTopic(data: DataStack): Topic {
    const topic = new Topic(this, 'Alarms', {
      topicName: `wflo-${this.stage}-alarms`,
      displayName: `Wflo ${this.stage}`,
      masterKey: data.telemetryKey,
      enforceSSL: true,
    });
    topic.addToResourcePolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
    );
    return topic;
  }

  private alarmOnErrors(fn: PlatformFunction): void {
    const name = fn.node.id;
    this.alarm(`${name}Errors`, {
      metric: functionMetric(fn, 'Errors', Stats.SUM),
      threshold: 1,
      minutes: 3,
      description: `${name} failed in three minutes one after the other; no handler fails for an outcome of a workflow`,
    });
  }

  private alarmOnQueue(queue: DeadLetterQueue): void {
    this.alarm(`${queue.node.id}Waiting`, {
      metric: queueMetric(queue),
      threshold: 1,
      description: `Something could not be delivered and waits in ${queue.node.id} for 14 days`,
    });
  }

  private alarm(id: string, { metric, threshold, minutes = 1, description }: AlarmOptions): void {
    const alarm = new Alarm(this, id, {
      alarmName: `wflo-${this.stage}-${id}`,
      alarmDescription: description,
      metric,
      threshold,
      evaluationPeriods: minutes,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
  }

  private makeDashboard(
    functions: readonly PlatformFunction[],
    lag: IMetric,
    sandboxes: readonly IMetric[],
    platform: PlatformStack,
  ): void {
    const dashboard = new Dashboard(this, 'Dashboard', { dashboardName: `wflo-${this.stage}` });
    const graph = (title: string, left: readonly IMetric[]) => new GraphWidget({ title, left: [...left], width: 12 });
    const of = (metric: string, statistic: string) =>
      functions.map((fn) => functionMetric(fn, metric, statistic).with({ label: fn.node.id }));
    dashboard.addWidgets(
      graph('Calls of functions', of('Invocations', Stats.SUM)),
      graph('Errors of functions', of('Errors', Stats.SUM)),
      graph('Duration of functions, p99', of('Duration', 'p99')),
      graph('Relay: milliseconds behind the outbox', [lag]),
      graph('Sandboxes: conflicts, refusals, late results', sandboxes),
      graph('Failures of the APIs', [serverErrors(platform.sandboxApi), serverErrors(platform.controlApi)]),
    );
  }
}

// No label on what an alarm watches: with one, the alarm is written as metric math.
// By name: alarms shall not hold the resources that they watch through imports.

function functionMetric(fn: PlatformFunction, metricName: string, statistic: string): Metric {
  return new Metric({
    namespace: 'AWS/Lambda',
    metricName,
    dimensionsMap: { FunctionName: fn.functionName },
    statistic,
    period: Duration.minutes(1),
  });
}

function queueMetric(queue: DeadLetterQueue): Metric {
  return new Metric({
    namespace: 'AWS/SQS',
    metricName: 'ApproximateNumberOfMessagesVisible',
    dimensionsMap: { QueueName: queue.name },
    statistic: Stats.MAXIMUM,
    period: Duration.minutes(1),
  });
}

function serverErrors(api: ServiceApi): Metric {
  return new Metric({
    namespace: 'AWS/ApiGateway',
    metricName: '5XXError',
    dimensionsMap: { ApiName: api.name },
    label: api.node.id,
    statistic: Stats.SUM,
    period: Duration.minutes(1),
  });
}

/** A metric that a handler counts itself. */
function counted(metricName: string, service: string, dimensions: Readonly<Record<string, string>> = {}): Metric {
  return new Metric({
    namespace: 'Wflo',
    metricName,
    dimensionsMap: { service, ...dimensions },
    statistic: Stats.SUM,
    period: Duration.minutes(1),
  });
}
