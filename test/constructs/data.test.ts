import { beforeAll, describe, expect, it } from 'vitest';
import { PEOPLE_TABLE } from '../../lib/aws/people-table.ts';
import { AUDIT_TABLE, EVENTS_TABLE, LEDGER_TABLE, STATE_TABLE, TOKENS_TABLE } from '../../lib/aws/table-schemas.ts';
import {
  type CfnResource,
  type SynthesisedStage,
  statementsOf,
  synthesiseStage,
  text,
} from '../_helpers/synthesised-stage.ts';

let dev: SynthesisedStage;
let prod: SynthesisedStage;
beforeAll(async () => {
  dev = await synthesiseStage();
  prod = await synthesiseStage({ 'wflo:stage': 'prod' });
});

function named(stage: SynthesisedStage, type: string, prefix: string): CfnResource {
  const [found, ...others] = stage.ofType(type).filter(({ id }) => id.startsWith(prefix));
  if (found === undefined || others.length > 0) throw new Error(`${others.length + 1} resources ${type} ${prefix}`);
  return found;
}

describe('tables', () => {
  it('are recoverable, encrypted with the data key and billed on demand', () => {
    const tables = dev.ofType('AWS::DynamoDB::Table');
    expect(tables.map(({ id }) => id.replace(/[0-9A-F]{8}$/, '')).sort()).toEqual([
      'Audit',
      'Events',
      'Ledger',
      'People',
      'State',
      'Tokens',
      'WorkflowdataprocessorResourcesRecords',
    ]);
    for (const { Properties } of tables) {
      expect(Properties.PointInTimeRecoverySpecification).toEqual({ PointInTimeRecoveryEnabled: true });
      expect(Properties.SSESpecification).toMatchObject({ SSEEnabled: true, SSEType: 'KMS' });
      expect(text(Properties.SSESpecification.KMSMasterKeyId)).toContain('DataKey');
      expect(Properties.BillingMode).toBe('PAY_PER_REQUEST');
    }
  });

  it.each([
    ['State', STATE_TABLE],
    ['Events', EVENTS_TABLE],
    ['Audit', AUDIT_TABLE],
    ['People', PEOPLE_TABLE],
    ['Tokens', TOKENS_TABLE],
    ['Ledger', LEDGER_TABLE],
  ] as const)('%s has the keys, indexes and stream that its store uses', (id, schema) => {
    const { Properties } = named(dev, 'AWS::DynamoDB::Table', id);
    const keys = (partition: string, sort: string) => [
      { AttributeName: partition, KeyType: 'HASH' },
      { AttributeName: sort, KeyType: 'RANGE' },
    ];
    expect(Properties.KeySchema).toEqual(keys(schema.partitionKey, schema.sortKey));
    expect(
      (Properties.GlobalSecondaryIndexes ?? []).map(
        ({ IndexName, KeySchema, Projection }: { IndexName: string; KeySchema: object; Projection: object }) => [
          IndexName,
          KeySchema,
          Projection,
        ],
      ),
    ).toEqual(
      schema.indexes.map((index) => [index.name, keys(index.partitionKey, index.sortKey), { ProjectionType: 'ALL' }]),
    );
    expect(Properties.StreamSpecification?.StreamViewType).toBe('stream' in schema ? schema.stream : undefined);
    expect(Properties.TimeToLiveSpecification?.AttributeName).toBe(
      'timeToLive' in schema ? schema.timeToLive : undefined,
    );
  });

  it('can be deleted in dev, and in no other stage', () => {
    for (const { Properties, DeletionPolicy } of dev.ofType('AWS::DynamoDB::Table')) {
      expect([Properties.DeletionProtectionEnabled, DeletionPolicy]).toEqual([false, 'Delete']);
    }
    for (const { Properties, DeletionPolicy, UpdateReplacePolicy } of prod.ofType('AWS::DynamoDB::Table')) {
      expect([Properties.DeletionProtectionEnabled, DeletionPolicy, UpdateReplacePolicy]).toEqual([
        true,
        'Retain',
        'Retain',
      ]);
    }
  });
});

describe('what has state', () => {
  it('survives outside dev', () => {
    const types = [
      'AWS::S3::Bucket',
      'AWS::KMS::Key',
      'AWS::Logs::LogGroup',
      'AWS::Events::EventBus',
      'AWS::StepFunctions::StateMachine',
    ];
    const lost = types
      .flatMap((type) => prod.ofType(type))
      .filter(
        ({ DeletionPolicy = '', UpdateReplacePolicy }) =>
          !['Retain', 'RetainExceptOnCreate'].includes(DeletionPolicy) || UpdateReplacePolicy !== 'Retain',
      );
    expect(lost.map(({ Type, id }) => `${Type} ${id}`)).toEqual([]);
    expect(types.map((type) => prod.ofType(type).length).every((count) => count > 0)).toBe(true);
  });

  it('does not keep its fixed name after a first deployment that was rolled back', () => {
    const types = [
      'AWS::Logs::LogGroup',
      'AWS::Events::EventBus',
      'AWS::StepFunctions::StateMachine',
      'AWS::ECS::TaskDefinition',
    ];
    for (const type of types) {
      expect(prod.ofType(type).length, type).toBeGreaterThan(0);
      for (const { id, DeletionPolicy } of prod.ofType(type)) expect(DeletionPolicy, id).toBe('RetainExceptOnCreate');
    }
  });
});

describe('the artefact bucket', () => {
  const bucket = () => named(dev, 'AWS::S3::Bucket', 'Artefacts').Properties;

  it('is private, versioned and encrypted with the data key', () => {
    expect(bucket().PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    expect(bucket().VersioningConfiguration).toEqual({ Status: 'Enabled' });
    const [rule] = bucket().BucketEncryption.ServerSideEncryptionConfiguration;
    expect(rule.BucketKeyEnabled).toBe(true);
    expect(rule.ServerSideEncryptionByDefault.SSEAlgorithm).toBe('aws:kms');
    expect(text(rule.ServerSideEncryptionByDefault.KMSMasterKeyID)).toContain('DataKey');
  });

  it('refuses everybody without TLS 1.2', () => {
    const denied = statementsOf(named(dev, 'AWS::S3::BucketPolicy', 'Artefacts').Properties.PolicyDocument).filter(
      ({ Effect }) => Effect === 'Deny',
    );
    expect(denied.map(({ Action, Condition }) => [Action, Condition])).toEqual([
      [['s3:*'], { Bool: { 'aws:SecureTransport': 'false' } }],
      [['s3:*'], { NumericLessThan: { 's3:TlsVersion': 1.2 } }],
    ]);
  });

  it('never expires code, which open executions name, and values only after the last record that names them', () => {
    const rules: { Prefix?: string; ExpirationInDays?: number }[] = bucket().LifecycleConfiguration.Rules;
    expect(
      rules
        .filter((rule) => rule.ExpirationInDays !== undefined)
        .map(({ Prefix, ExpirationInDays }) => [Prefix, ExpirationInDays]),
    ).toEqual([
      ['uploads/', 7],
      ['workspaces/', 400],
      ['blobs/', 800],
    ]);
  });
});

describe('what is no longer named in the bucket', () => {
  it('goes after 30 days, and half an upload after one, whatever its prefix', () => {
    const [bucket] = dev.ofType('AWS::S3::Bucket');
    expect(bucket?.Properties.LifecycleConfiguration.Rules).toContainEqual({
      Id: 'forget-replaced',
      Status: 'Enabled',
      NoncurrentVersionExpiration: { NoncurrentDays: 30 },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
    });
  });
});

describe('keys', () => {
  const statements = (prefix: string) => statementsOf(named(dev, 'AWS::KMS::Key', prefix).Properties.KeyPolicy);
  const services = (prefix: string) =>
    statements(prefix)
      .filter(({ Principal }) => Principal.Service !== undefined)
      .map(({ Principal, Action }) => [text(Principal.Service), [...Action].sort()]);

  it('rotate', () => {
    for (const { Properties } of dev.ofType('AWS::KMS::Key')) expect(Properties.EnableKeyRotation).toBe(true);
  });

  it('are used in their own name by exactly these services', () => {
    expect(services('DataKey')).toEqual([['delivery.logs.amazonaws.com', ['kms:Decrypt']]]);
    expect(services('TelemetryKey')).toEqual([
      [
        'logs.<AWS::Region>.amazonaws.com',
        // The set that CloudWatch Logs documents.
        ['kms:Decrypt', 'kms:Describe*', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
      ],
      ['events.amazonaws.com', ['kms:Decrypt', 'kms:GenerateDataKey']],
      ['events.amazonaws.com', ['kms:DescribeKey']],
      ['events.amazonaws.com', ['kms:Decrypt', 'kms:GenerateDataKey']],
      ['cloudwatch.amazonaws.com', ['kms:Decrypt', 'kms:GenerateDataKey']],
    ]);
  });

  it('tie every service to resources or the account of the stage', () => {
    for (const prefix of ['DataKey', 'TelemetryKey']) {
      const unbound = statements(prefix).filter(
        ({ Principal, Condition }) => Principal.Service !== undefined && Condition === undefined,
      );
      expect(unbound).toEqual([]);
    }
    const [logs] = statements('TelemetryKey').filter(({ Sid }) => Sid === 'EncryptLogGroups');
    expect(logs?.Condition.ArnLike['kms:EncryptionContext:aws:logs:arn'].map(text)).toEqual([
      'arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:/wflo/dev/*',
      'arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:/aws/vendedlogs/states/wflo-dev-*',
    ]);
    const [alarms] = statements('TelemetryKey').filter(({ Sid }) => Sid === 'SendAlarms');
    expect(text(alarms?.Condition.ArnLike['kms:EncryptionContext:aws:sns:topicArn'])).toBe(
      'arn:<AWS::Partition>:sns:<AWS::Region>:<AWS::AccountId>:wflo-dev-*',
    );
  });

  it('give full rights to the account alone, which delegates to IAM', () => {
    for (const prefix of ['DataKey', 'TelemetryKey']) {
      const [full, ...others] = statements(prefix).filter(({ Action }) => Action.includes('kms:*'));
      expect(others).toEqual([]);
      expect(text(full?.Principal.AWS)).toBe('arn:<AWS::Partition>:iam::<AWS::AccountId>:root');
    }
  });
});

describe('the event bus', () => {
  it('is encrypted, and keeps what it cannot deliver', () => {
    const { Properties } = named(dev, 'AWS::Events::EventBus', 'EventBus');
    expect(Properties.Name).toBe('wflo-dev');
    expect(text(Properties.KmsKeyIdentifier)).toContain('TelemetryKey');
    expect(text(Properties.DeadLetterConfig.Arn)).toContain('UndeliveredEvents');
  });
});

describe('queues', () => {
  it('are encrypted, keep for 14 days and refuse plain HTTP', () => {
    const queues = dev.ofType('AWS::SQS::Queue');
    expect(queues.map(({ Properties }) => Properties.QueueName).sort()).toEqual([
      'wflo-dev-undelivered-alerts',
      'wflo-dev-undelivered-decisions',
      'wflo-dev-undelivered-endings',
      'wflo-dev-undelivered-events',
      'wflo-dev-undelivered-records',
      'wflo-dev-undelivered-spending',
    ]);
    for (const { Properties } of queues) {
      expect(text(Properties.KmsMasterKeyId)).toContain('TelemetryKey');
      expect(Properties.MessageRetentionPeriod).toBe(14 * 24 * 60 * 60);
    }
    const policies = dev
      .ofType('AWS::SQS::QueuePolicy')
      .map(({ Properties }) => statementsOf(Properties.PolicyDocument));
    expect(policies).toHaveLength(queues.length);
    for (const statements of policies) {
      expect(statements).toContainEqual(
        expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      );
      for (const allow of statements.filter(({ Effect }) => Effect === 'Allow')) {
        expect(allow.Principal).toEqual({ Service: 'events.amazonaws.com' });
        expect(allow.Condition.ArnEquals['aws:SourceArn']).toBeDefined();
      }
    }
  });
});
