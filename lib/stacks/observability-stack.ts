import { Stack, type StackProps } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { DeadLetterQueue } from '../constructs/dead-letter-queue/dead-letter-queue.ts';
import type { Deployment } from '../constructs/deployment/deployment.ts';
import { EventSchemas } from '../constructs/event-schemas/event-schemas.ts';
import type { PlatformFunction } from '../constructs/platform-function/platform-function.ts';
import type { DataStack } from './data-stack.ts';
import { Alarms } from './observability/alarms.ts';
import { counted, functionMetric, queueMetric, serverErrors } from './observability/metrics.ts';
import { alarmOnReconcile } from './observability/reconcile-alarms.ts';
import { alarmOnSandboxes } from './observability/sandbox-alarms.ts';
import type { PlatformStack } from './platform-stack.ts';
import type { WorkflowsStack } from './workflows-stack.ts';

export interface ObservabilityStackProps extends StackProps {
  readonly deployment: Deployment;
  readonly data: DataStack;
  readonly platform: PlatformStack;
  readonly workflows: WorkflowsStack;
}

/** Alarms on what needs a person, all to one topic that people subscribe to, one page of graphs, and the schemas of events. */
export class ObservabilityStack extends Stack {
  private readonly stage: string;
  private readonly alarms: Alarms;

  constructor(scope: Construct, id: string, props: ObservabilityStackProps) {
    super(scope, id, props);
    const { deployment, data, platform, workflows } = props;
    this.stage = deployment.stage;
    this.alarms = new Alarms(this, this.stage, this.makeTopic(data));
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
      platform.watchBudgets,
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
      platform.undeliveredSpending,
    ]) {
      this.alarmOnQueue(queue);
    }
    const lag = functionMetric(platform.relayEvents, 'IteratorAge', Stats.MAXIMUM);
    this.alarms.add('RelayBehind', {
      metric: lag,
      threshold: 60_000,
      periods: 3,
      description: 'The relay is more than a minute behind the outbox: events reach the audit chain and the bus late',
    });
    const sandboxes = alarmOnSandboxes(this.alarms);
    this.alarms.add('AuditGap', {
      metric: counted('AuditGaps', 'relay-events'),
      threshold: 1,
      description: 'An outbox item could not be read and stands in a chain as audit.gap',
    });
    this.alarms.add('UnknownOutboxItems', {
      metric: counted('UnknownOutboxItems', 'relay-events'),
      threshold: 1,
      description: 'Somebody wrote something else into the Events table; nothing of it can stand in a chain',
    });
    const reconcile = alarmOnReconcile(this.alarms);
    this.makeDashboard(functions, lag, sandboxes, reconcile, platform);
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
    this.alarms.add(`${name}Errors`, {
      metric: functionMetric(fn, 'Errors', Stats.SUM),
      threshold: 1,
      periods: 3,
      description: `${name} failed in three minutes one after the other; no handler fails for an outcome of a workflow`,
    });
  }

  private alarmOnQueue(queue: DeadLetterQueue): void {
    this.alarms.add(`${queue.node.id}Waiting`, {
      metric: queueMetric(queue),
      threshold: 1,
      description: `Something could not be delivered and waits in ${queue.node.id} for 14 days`,
    });
  }

  private makeDashboard(
    functions: readonly PlatformFunction[],
    lag: IMetric,
    sandboxes: readonly IMetric[],
    reconcile: ReturnType<typeof alarmOnReconcile>,
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
      graph('Reconcile: repairs', reconcile.repairs),
      graph('Reconcile: seconds behind', reconcile.late),
      graph('Failures of the APIs', [serverErrors(platform.sandboxApi), serverErrors(platform.controlApi)]),
    );
  }
}
