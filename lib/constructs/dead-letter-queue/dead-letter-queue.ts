import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Deployment } from '../deployment/deployment.ts';

export interface DeadLetterQueueProps {
  readonly deployment: Deployment;
  /** The queue is called `wflo-<stage>-<purpose>`: the key policy of the telemetry key goes by this prefix. */
  readonly purpose: string;
  readonly key: IKey;
}

/** Where what could not be delivered waits for a person: encrypted, TLS only, 14 days. */
export class DeadLetterQueue extends Queue {
  /** Full name, known before deployment. */
  readonly name: string;

  constructor(scope: Construct, id: string, props: DeadLetterQueueProps) {
    const name = `wflo-${props.deployment.stage}-${props.purpose}`;
    super(scope, id, {
      queueName: name,
      encryption: QueueEncryption.KMS,
      encryptionMasterKey: props.key,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.name = name;
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'this queue is itself a dead-letter queue',
    });
  }

  /** Lets EventBridge put what one bus or rule could not deliver. */
  acceptFromEventBridge(sourceArn: string): void {
    this.addToResourcePolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal('events.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [this.queueArn],
        conditions: { ArnEquals: { 'aws:SourceArn': sourceArn } },
      }),
    );
  }
}
