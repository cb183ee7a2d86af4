import type { Call } from './evaluate.ts';
import { logStream } from './event-calls.ts';
import { arn } from './literals.ts';
import { calls, type DeployedStage, VIA } from './stage-calls.ts';

/** Where a function calls from. */
export interface Caller {
  readonly stage: DeployedStage;
  readonly because: string;
  readonly role: string;
}

type Make = (caller: Caller) => Call[];

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
const READS = ['GetItem', 'Query', 'Scan'];

/** Item calls on a table; a transaction needs the permissions of its parts. */
function table(name: string, action: string, index?: string): Make {
  return ({ stage, because, role }) => {
    const { arn: tableArn, properties } = stage.find('AWS::DynamoDB::Table', name);
    const key = properties.SSESpecification.KMSMasterKeyId;
    const on = index === undefined ? tableArn : `${tableArn}/index/${index}`;
    return [
      ...calls(because, role, [`dynamodb:${action}`], on),
      ...calls(because, role, TABLE_KEY[READS.includes(action) ? 'read' : 'write'], key, VIA('dynamodb')),
    ];
  };
}

/**
 * An object below a prefix. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html: reading needs
 * Decrypt, writing GenerateDataKey, and with a bucket key Decrypt too.
 */
function object(action: 'GetObject' | 'PutObject', prefix: string): Make {
  return ({ stage, because, role }) => {
    const [bucket] = stage.ofType('AWS::S3::Bucket');
    if (bucket === undefined) throw new Error('no bucket');
    const [rule] = bucket.properties.BucketEncryption.ServerSideEncryptionConfiguration;
    const key = rule.ServerSideEncryptionByDefault.KMSMasterKeyID;
    const actions = action === 'GetObject' ? ['kms:Decrypt'] : ['kms:GenerateDataKey', 'kms:Decrypt'];
    return [
      ...calls(because, role, [`s3:${action}`], `${bucket.arn}/${prefix}/any`, TLS),
      // What S3 asks for where the object does not exist.
      ...(action === 'GetObject' && prefix !== 'code' ? calls(because, role, ['s3:ListBucket'], bucket.arn, TLS) : []),
      ...calls(because, role, actions, key, VIA('s3')),
    ];
  };
}

const TLS = { 'aws:SecureTransport': 'true', 's3:TlsVersion': '1.3' };

/** An object by a URL that a function signed: the bucket decides by its role, the endpoint lets it through. */
function presigned(action: 'GetObject' | 'PutObject', prefix: string): Make {
  return (caller) => {
    const endpoint = caller.stage
      .ofType('AWS::EC2::VPCEndpoint')
      .find(({ properties }) => String(properties.ServiceName).endsWith('.s3'))?.ref;
    const account = { 'aws:PrincipalAccount': caller.role.split(':')[5] ?? '' };
    return object(
      action,
      prefix,
    )(caller)
      .filter((call) => call.action !== 's3:ListBucket')
      .map((call) =>
        endpoint === undefined || !call.action.startsWith('s3:')
          ? call
          : { ...call, context: { ...call.context, ...account }, through: endpoint },
      );
  };
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html: the key in the name of the caller. */
function states(actions: readonly string[], on: string, key: readonly string[] = []): Make {
  return ({ stage, because, role }) => {
    const dataKeys = new Set(
      stage
        .ofType('AWS::StepFunctions::StateMachine')
        .map(({ properties }) => String(properties.EncryptionConfiguration.KmsKeyId)),
    );
    return [
      ...calls(because, role, actions, on),
      ...[...dataKeys].flatMap((each) => calls(because, role, key, each, VIA('states'))),
    ];
  };
}

const task = arn('ecs', 'task/wflo-dev/id');
const onTasks =
  (action: string): Make =>
  ({ because, role }) =>
    calls(because, role, [`ecs:${action}`], task);
/** ListTasks names container instances; the cluster is a condition key. Service authorization reference of ECS. */
const listTasks: Make = ({ because, role }) =>
  calls(because, role, ['ecs:ListTasks'], arn('ecs', 'container-instance/wflo-dev/any'), {
    'ecs:cluster': arn('ecs', 'cluster/wflo-dev'),
  });
const sandboxLog =
  (...actions: string[]): Make =>
  ({ because, role }) =>
    calls(
      because,
      role,
      actions.map((action) => `logs:${action}`),
      logStream('/wflo/dev/sandbox'),
    );
const functionOf =
  (name: string): Make =>
  ({ because, role }) =>
    calls(because, role, ['lambda:InvokeFunction'], arn('lambda', `function:${name}`));
const stepVersions: Make = ({ stage, because, role }) =>
  stage
    .ofType('AWS::Lambda::Version')
    .flatMap(({ ref }) => [ref, ref.replace(/:\d+$/, ':7')])
    .flatMap((version) => calls(because, role, ['lambda:InvokeFunction'], version));
const publish: Make = ({ stage, because, role }) =>
  stage.ofType('AWS::Events::EventBus').flatMap((bus) => calls(because, role, ['events:PutEvents'], bus.arn));
/** Archives in the bucket that `cdk bootstrap` made; its key is of AWS. */
const codeAssets: Make = ({ stage, because, role }) =>
  stage
    .ofType('Custom::CodeCopy')
    .flatMap(({ properties }) =>
      calls(because, role, ['s3:GetObject'], `arn:aws:s3:::${properties.SourceBucket}/${properties.SourceKey}`),
    );

const parameter =
  (action: string, below: string): Make =>
  ({ because, role }) =>
    calls(because, role, [`ssm:${action}`], arn('ssm', `parameter/wflo/dev/workflows${below}`));

const machine = arn('states', 'stateMachine:wflo-dev-hello');
const execution = arn('states', 'execution:wflo-dev-hello:name');

/** What each way of using a port calls, as the adapters in `lib/aws` do it. `Records` is the table of `data-processor`. */
export const PORTS = {
  'executions: get': [table('State', 'GetItem')],
  'executions: list of an execution': [table('State', 'Query')],
  'executions: due': [table('State', 'Query', 'byCheck')],
  'executions: of a tenant': [table('State', 'Query', 'byTenant'), table('State', 'Query', 'byWorkflow')],
  'executions: approvals of a tenant': [table('State', 'Query', 'byApproval')],
  'executions: make a record': [table('State', 'PutItem')],
  'executions: change a record': [table('State', 'UpdateItem')],
  // A bare expectation in a commit that tells nothing. One that tells something counts events in the same item.
  'executions: expect of a record': [table('State', 'ConditionCheckItem')],
  'executions: tell': [table('Events', 'PutItem')],
  'blobs: get': [table('State', 'GetItem'), object('GetObject', 'blobs')],
  'blobs: put': [table('State', 'PutItem'), object('PutObject', 'blobs')],
  'blobs: read an upload': [object('GetObject', 'uploads'), object('GetObject', 'workspaces')],
  'blobs: sign what a runner downloads': [
    presigned('GetObject', 'code'),
    presigned('GetObject', 'blobs'),
    presigned('GetObject', 'workspaces'),
  ],
  'blobs: sign what a runner uploads': [presigned('PutObject', 'uploads'), presigned('PutObject', 'workspaces')],
  'code: copy': [codeAssets, object('PutObject', 'code')],
  'people: read': [table('People', 'GetItem')],
  'people: list': [table('People', 'Query')],
  'people: change': [table('People', 'PutItem'), table('People', 'DeleteItem')],
  'tokens: put': [table('Tokens', 'PutItem')],
  'tokens: get and remove': [table('Tokens', 'GetItem'), table('Tokens', 'DeleteItem')],
  'waiting states: resume': [states(['states:SendTaskSuccess'], machine, ['kms:Decrypt', 'kms:GenerateDataKey'])],
  'machines: describe an execution': [states(['states:DescribeExecution'], execution, ['kms:Decrypt'])],
  'machines: stop': [states(['states:StopExecution'], execution, ['kms:Decrypt'])],
  'workflows: list': [parameter('GetParametersByPath', ''), parameter('GetParametersByPath', '/')],
  'workflows: configuration': [
    parameter('GetParameter', '/hello'),
    states(['states:DescribeStateMachine'], machine, ['kms:Decrypt']),
  ],
  'machines: start': [states(['states:StartExecution'], machine)],
  'tasks: describe': [onTasks('DescribeTasks')],
  'tasks: find': [listTasks, onTasks('DescribeTasks')],
  'tasks: stop': [onTasks('StopTask')],
  'logs: write': [sandboxLog('CreateLogStream', 'PutLogEvents')],
  'logs: read': [sandboxLog('FilterLogEvents')],
  'outbox: list': [table('Events', 'Query', 'byUnpublished')],
  'outbox: mark': [table('Events', 'UpdateItem')],
  'audit: append': [table('Audit', 'GetItem'), table('Audit', 'Query'), table('Audit', 'PutItem')],
  'audit: list': [table('Audit', 'Query')],
  'bus: publish': [publish],
  'steps: invoke': [stepVersions],
  'resume-approval: call': [functionOf('wflo-dev-resume-approval')],
  'reconcile: call': [functionOf('wflo-dev-reconcile')],
  'Records: scan': [table('WorkflowdataprocessorResourcesRecords', 'Scan')],
  'Records: delete': [table('WorkflowdataprocessorResourcesRecords', 'DeleteItem')],
  'Records: write': [table('WorkflowdataprocessorResourcesRecords', 'BatchWriteItem')],
} satisfies Readonly<Record<string, readonly Make[]>>;

export type PortUse = keyof typeof PORTS;

export function portCalls(use: PortUse, caller: Caller): Call[] {
  const makes: readonly Make[] = PORTS[use];
  return makes.flatMap((make) => make(caller)).map((call) => ({ ...call, at: use }));
}
