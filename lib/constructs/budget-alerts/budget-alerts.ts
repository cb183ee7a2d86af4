import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import { EventBus, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { BUS_SOURCE } from '../../aws/event-bridge-bus.ts';
import { DeadLetterQueue } from '../dead-letter-queue/dead-letter-queue.ts';
import type { Deployment } from '../deployment/deployment.ts';
import { PlatformFunction } from '../platform-function/platform-function.ts';

export interface BudgetAlertsProps {
  readonly deployment: Deployment;
  readonly eventBusName: string;
  readonly telemetryKey: IKey;
  readonly functionsDir: string;
}

/** Tells people who look after money of every alert, refusal and unknown cost: a topic of their own to subscribe to. */
export class BudgetAlerts extends Construct {
  readonly topic: Topic;
  readonly handler: PlatformFunction;
  /** Gets what could not be told. */
  readonly undelivered: DeadLetterQueue;

  constructor(scope: Construct, id: string, props: BudgetAlertsProps) {
    super(scope, id);
    const { deployment, telemetryKey } = props;
    this.undelivered = new DeadLetterQueue(this, 'UndeliveredAlerts', {
      deployment,
      purpose: 'undelivered-alerts',
      key: telemetryKey,
    });
    const { undelivered } = this;
    this.topic = new Topic(this, 'Topic', {
      topicName: `wflo-${deployment.stage}-budgets`,
      displayName: `Wflo ${deployment.stage} budgets`,
      masterKey: telemetryKey,
      enforceSSL: true,
    });
    this.handler = new PlatformFunction(this, 'TellBudgets', {
      deployment,
      name: 'tell-budgets',
      description: 'Tells people of budgets that run out',
      codeFolder: join(props.functionsDir, 'lambdas', 'tell-budgets'),
      timeout: Duration.seconds(30),
      telemetryKey,
    });
    this.handler
      .setEnvironment('BUDGET_TOPIC', this.topic.topicArn)
      .allow(['sns:Publish'], [this.topic.topicArn])
      .useKeyThrough('sns', telemetryKey, ['kms:Decrypt', 'kms:GenerateDataKey'])
      .allow(['sqs:SendMessage'], [undelivered.queueArn])
      .useKeyThrough('sqs', telemetryKey, ['kms:Decrypt', 'kms:GenerateDataKey']);
    this.handler.function.configureAsyncInvoke({
      retryAttempts: 2,
      maxEventAge: Duration.hours(6),
      onFailure: { bind: () => ({ destination: undelivered.queueArn }) },
    });
    new Rule(this, 'Rule', {
      ruleName: `wflo-${deployment.stage}-budget-news`,
      description: 'Alerts, refusals and unknown costs',
      eventBus: EventBus.fromEventBusName(this, 'Bus', props.eventBusName),
      eventPattern: { source: [BUS_SOURCE], detailType: ['cost.alert', 'cost.exceeded', 'cost.unsettled'] },
      targets: [
        new LambdaFunction(this.handler.function, {
          deadLetterQueue: undelivered,
          retryAttempts: 185,
          maxEventAge: Duration.hours(24),
        }),
      ],
    });
  }
}
