import { Duration, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { CfnEventBus } from 'aws-cdk-lib/aws-events';
import type { Key } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { valueDays } from '../aws/expiry.ts';
import { PEOPLE_TABLE } from '../aws/people-table.ts';
import { AUDIT_TABLE, EVENTS_TABLE, LEDGER_TABLE, STATE_TABLE, TOKENS_TABLE } from '../aws/table-schemas.ts';
import { DeadLetterQueue } from '../constructs/dead-letter-queue/dead-letter-queue.ts';
import { type Deployment, removalPolicy } from '../constructs/deployment/deployment.ts';
import { EncryptionKey } from '../constructs/encryption-key/encryption-key.ts';
import { RecordTable } from '../constructs/record-table/record-table.ts';

export interface DataStackProps extends StackProps {
  readonly deployment: Deployment;
}

/** Everything that has state: records, events, audit chain, artefacts, the bus, and the keys over all of it. */
export class DataStack extends Stack {
  /** Over records, artefacts and executions. */
  readonly dataKey: Key;
  /** Over logs, queues, the bus and alarms. */
  readonly telemetryKey: Key;
  readonly stateTable: Table;
  readonly eventsTable: Table;
  readonly auditTable: Table;
  /** People, groups and tenants, and who is whom. */
  readonly peopleTable: Table;
  /** Task tokens of states that wait for an approval. */
  readonly tokensTable: Table;
  /** Budgets, holds and what was spent. */
  readonly ledgerTable: Table;
  readonly artefacts: Bucket;
  readonly eventBus: CfnEventBus;
  readonly undeliveredEvents: DeadLetterQueue;
  /** Of records, after their last write. */
  readonly retentionDays: number;

  constructor(scope: Construct, id: string, props: DataStackProps) {
    super(scope, id, props);
    const { deployment } = props;
    const { stage } = deployment;
    this.retentionDays = deployment.retentionDays;

    this.dataKey = new EncryptionKey(this, 'DataKey', {
      deployment,
      purpose: 'data',
      description: `Wflo ${stage}: records, artefacts, executions`,
      users: [
        {
          sid: 'DeliverLogsOfEncryptedStateMachines',
          service: 'delivery.logs.amazonaws.com',
          actions: ['kms:Decrypt'],
          conditions: {
            StringEquals: {
              'kms:EncryptionContext:SourceArn': `arn:${this.partition}:logs:${this.region}:${this.account}:*`,
            },
          },
        },
      ],
    });

    const busArn = this.formatArn({ service: 'events', resource: 'event-bus', resourceName: `wflo-${stage}` });
    const logGroup = `arn:${this.partition}:logs:${this.region}:${this.account}:log-group`;
    this.telemetryKey = new EncryptionKey(this, 'TelemetryKey', {
      deployment,
      purpose: 'telemetry',
      description: `Wflo ${stage}: logs, queues, event bus, alarms`,
      users: [
        {
          sid: 'EncryptLogGroups',
          service: `logs.${this.region}.amazonaws.com`,
          // As CloudWatch Logs documents it: it refuses a key that it may use for less, and no group would be made.
          actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
          conditions: {
            ArnLike: {
              'kms:EncryptionContext:aws:logs:arn': [
                `${logGroup}:/wflo/${stage}/*`,
                `${logGroup}:/aws/vendedlogs/states/wflo-${stage}-*`,
              ],
            },
          },
        },
        {
          sid: 'EncryptBus',
          service: 'events.amazonaws.com',
          actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
          conditions: { StringEquals: { 'kms:EncryptionContext:aws:events:event-bus:arn': busArn } },
        },
        {
          // EventBridge checks the key when the bus is made; this call has no encryption context.
          sid: 'CheckKeyOfBus',
          service: 'events.amazonaws.com',
          actions: ['kms:DescribeKey'],
          conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
        },
        {
          sid: 'DeliverToDeadLetterQueues',
          service: 'events.amazonaws.com',
          actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
          conditions: {
            ArnLike: {
              'kms:EncryptionContext:aws:sqs:arn': `arn:${this.partition}:sqs:${this.region}:${this.account}:wflo-${stage}-*`,
            },
          },
        },
        {
          sid: 'SendAlarms',
          service: 'cloudwatch.amazonaws.com',
          actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
          // SNS asks for the key with the topic as context. Whether it passes on whose alarm it was is not documented.
          conditions: {
            ArnLike: {
              'kms:EncryptionContext:aws:sns:topicArn': `arn:${this.partition}:sns:${this.region}:${this.account}:wflo-${stage}-*`,
            },
          },
        },
      ],
    });

    this.stateTable = new RecordTable(this, 'State', { deployment, schema: STATE_TABLE, key: this.dataKey });
    this.eventsTable = new RecordTable(this, 'Events', { deployment, schema: EVENTS_TABLE, key: this.dataKey });
    this.auditTable = new RecordTable(this, 'Audit', { deployment, schema: AUDIT_TABLE, key: this.dataKey });
    this.peopleTable = new RecordTable(this, 'People', { deployment, schema: PEOPLE_TABLE, key: this.dataKey });
    this.tokensTable = new RecordTable(this, 'Tokens', { deployment, schema: TOKENS_TABLE, key: this.dataKey });
    this.ledgerTable = new RecordTable(this, 'Ledger', { deployment, schema: LEDGER_TABLE, key: this.dataKey });
    this.artefacts = this.makeArtefacts(deployment);

    this.undeliveredEvents = new DeadLetterQueue(this, 'UndeliveredEvents', {
      deployment,
      purpose: 'undelivered-events',
      key: this.telemetryKey,
    });
    this.undeliveredEvents.acceptFromEventBridge(busArn);
    this.eventBus = new CfnEventBus(this, 'EventBus', {
      name: `wflo-${stage}`,
      description: `Events of Wflo ${stage}, after they were appended to the audit chain`,
      kmsKeyIdentifier: this.telemetryKey.keyArn,
      deadLetterConfig: { arn: this.undeliveredEvents.queueArn },
    });
    this.eventBus.applyRemovalPolicy(removalPolicy(deployment));
  }

  /** CloudFormation deletes no bucket with objects in it, in `dev` neither: whoever destroys a stage empties it first. */
  private makeArtefacts(deployment: Deployment): Bucket {
    const bucket = new Bucket(this, 'Artefacts', {
      encryption: BucketEncryption.KMS,
      encryptionKey: this.dataKey,
      bucketKeyEnabled: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      removalPolicy: removalPolicy(deployment),
      lifecycleRules: [
        {
          // `code/` itself stays: an open execution may name any of it, and `wflo deploy` removes what none does.
          id: 'forget-replaced',
          noncurrentVersionExpiration: Duration.days(30),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
        {
          // Finish copies what it accepts into `blobs/`; what is left here is read by nobody.
          id: 'forget-uploads',
          prefix: 'uploads/',
          expiration: Duration.days(7),
        },
        {
          // For later steps of the same execution, which may wait for a person for long, and for people who look at what an
          // agent left. No execution is open for as long as this.
          id: 'forget-workspaces',
          prefix: 'workspaces/',
          expiration: Duration.days(deployment.retentionDays),
        },
        {
          // Not before the last record that names it.
          id: 'forget-values',
          prefix: 'blobs/',
          expiration: Duration.days(valueDays(deployment.retentionDays)),
        },
      ],
    });
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'reads and writes are made by functions of this stage, or by URLs that they sign for one sandbox claim, which the audit chain records',
    });
    return bucket;
  }
}
