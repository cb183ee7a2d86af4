import type { RecordedCall } from '../recorded-calls/recorded.ts';
import type { Call } from './evaluate.ts';
import { ACCOUNT, arn } from './literals.ts';
import { calls, type DeployedStage, VIA } from './stage-calls.ts';

/**
 * The key of a table, in the name of the caller. Reading needs Decrypt. Which of the others an item call uses is not
 * documented one by one; AWS lists them together as what whoever uses a table with a customer key must have:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
 */
const TABLE_KEY = {
  read: ['kms:Decrypt', 'kms:DescribeKey'],
  write: [
    'kms:Decrypt',
    'kms:DescribeKey',
    'kms:Encrypt',
    'kms:GenerateDataKey',
    'kms:ReEncryptFrom',
    'kms:ReEncryptTo',
  ],
};
const TABLE_READS = ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:Scan'];

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html: reading needs Decrypt, writing
 * GenerateDataKey, and with a bucket key Decrypt too.
 */
const OBJECT_KEY: Readonly<Record<string, readonly string[]>> = {
  's3:GetObject': ['kms:Decrypt'],
  's3:PutObject': ['kms:GenerateDataKey', 'kms:Decrypt'],
};

/** https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html: the key in the name of the caller. */
const MACHINE_KEY: Readonly<Record<string, readonly string[]>> = {
  'states:SendTaskSuccess': ['kms:Decrypt', 'kms:GenerateDataKey'],
  'states:DescribeExecution': ['kms:Decrypt'],
  'states:StopExecution': ['kms:Decrypt'],
  'states:DescribeStateMachine': ['kms:Decrypt'],
};

const TLS = { 'aws:SecureTransport': 'true', 's3:TlsVersion': '1.3' };

/** A call of a function as AWS decides it, with what it asks besides and the local AWS does not. */
export function asOnAws(stage: DeployedStage, because: string, recorded: RecordedCall): readonly Call[] {
  const found = stage.ofType('AWS::IAM::Role').find(({ name }) => name === recorded.role);
  if (found === undefined) throw new Error(`${recorded.role} is no role of the templates`);
  const principal = `role:${found.arn}`;
  const { action, resource } = recorded;
  const made = (actions: readonly string[], on: string, context: Readonly<Record<string, string>> = {}) =>
    calls(because, principal, actions, on, context);
  switch (action.split(':')[0]) {
    case 'dynamodb': {
      const table = stage.find('AWS::DynamoDB::Table', resource.replace(/\/index\/.*$/, ''));
      const actions = TABLE_KEY[TABLE_READS.includes(action) ? 'read' : 'write'];
      return [
        ...made([action], resource),
        ...made(actions, table.properties.SSESpecification.KMSMasterKeyId, VIA('dynamodb')),
      ];
    }
    case 's3':
      return objectCalls(stage, recorded, made);
    case 'states': {
      const keys = stage
        .ofType('AWS::StepFunctions::StateMachine')
        .map(({ properties }) => String(properties.EncryptionConfiguration.KmsKeyId));
      const actions = MACHINE_KEY[action] ?? [];
      return [...made([action], resource), ...[...new Set(keys)].flatMap((key) => made(actions, key, VIA('states')))];
    }
    case 'sns': {
      // https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html ("Allow a user to send messages to a topic with SSE")
      const key: string = stage.find('AWS::SNS::Topic', resource).properties.KmsMasterKeyId;
      return [...made([action], resource), ...made(['kms:Decrypt', 'kms:GenerateDataKey'], key, VIA('sns'))];
    }
    case 'secretsmanager':
      // https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html: people encrypt the keys of
      // providers with the data key.
      return [
        ...made([action], resource),
        ...stage
          .ofType('AWS::KMS::Key')
          .filter(({ name }) => name === 'DataKey')
          .flatMap(({ arn: key }) => made(['kms:Decrypt'], key, VIA('secretsmanager'))),
      ];
    case 'lambda': {
      // Where a version is named, which invoke-step does, AWS asks for the version and the local AWS for the function.
      const versions = stage.ofType('AWS::Lambda::Version').filter(({ ref }) => ref.startsWith(`${resource}:`));
      const named = versions.flatMap(({ ref }) => [ref, ref.replace(/:\d+$/, ':7')]);
      return [resource, ...named].flatMap((on) => made([action], on));
    }
    case 'ecs': {
      // ListTasks names container instances; the cluster is a condition key. Service authorization reference of ECS.
      const cluster = /:container-instance\/([^/]+)\//.exec(resource)?.[1];
      return made([action], resource, cluster === undefined ? {} : { 'ecs:cluster': arn('ecs', `cluster/${cluster}`) });
    }
    default:
      return made([action], resource);
  }
}

type Make = (actions: readonly string[], on: string, context?: Readonly<Record<string, string>>) => readonly Call[];

function objectCalls(stage: DeployedStage, { action, resource, presigned }: RecordedCall, made: Make): readonly Call[] {
  const bucket = stage.ofType('AWS::S3::Bucket').find((each) => resource.split('/')[0] === each.arn);
  // The bucket of `cdk bootstrap`, where each archive of code is granted by its name; its key is of AWS.
  if (bucket === undefined)
    return stage
      .ofType('Custom::CodeCopy')
      .flatMap(({ properties }) => made([action], `arn:aws:s3:::${properties.SourceBucket}/${properties.SourceKey}`));
  const [rule] = bucket.properties.BucketEncryption.ServerSideEncryptionConfiguration;
  const key: string = rule.ServerSideEncryptionByDefault.KMSMasterKeyID;
  const onKey = made(OBJECT_KEY[action] ?? [], key, VIA('s3'));
  // By a URL that a function signed: the bucket decides by its role, the endpoint of the sandboxes lets it through.
  if (presigned) {
    const endpoint = stage
      .ofType('AWS::EC2::VPCEndpoint')
      .find(({ properties }) => String(properties.ServiceName).endsWith('.s3'))?.ref;
    const context = { ...TLS, ...(endpoint === undefined ? {} : { 'aws:PrincipalAccount': ACCOUNT }) };
    const through = endpoint === undefined ? {} : { through: endpoint };
    return [...made([action], resource, context).map((call) => ({ ...call, ...through })), ...onKey];
  }
  // What S3 asks for where the object does not exist. Code always does: its hash is in the definition.
  const absent =
    action === 's3:GetObject' && !resource.includes('/code/') ? made(['s3:ListBucket'], bucket.arn, TLS) : [];
  return [...made([action], resource, TLS), ...absent, ...onKey];
}
