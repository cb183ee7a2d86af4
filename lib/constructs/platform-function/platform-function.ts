import { type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Effect, type IGrantable, type IPrincipal, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Code, Function as LambdaFunction, LoggingFormat, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { type Deployment, lambdaArchitecture, logRetention, removalPolicy } from '../deployment/deployment.ts';
import { acknowledgeWildcard } from '../nag/reasoned-checks.ts';
import { RetainedRole } from '../retained-role/retained-role.ts';

export interface PlatformFunctionProps {
  readonly deployment: Deployment;
  /** `<verb-noun>`, or `step-<workflow>-<step>`: the function is `wflo-<stage>-<name>`, its log group `/wflo/<stage>/<name>`. */
  readonly name: string;
  readonly description: string;
  /** Folder with `index.mjs`, which exports `handler`. */
  readonly codeFolder: string;
  readonly timeout: Duration;
  /** Encrypts the log group. */
  readonly telemetryKey: IKey;
  /** @default 512 */
  readonly memoryMib?: number;
  /** Of all that the account may run at the same time, kept for this function, which gets no more. Absent: as many as there are. */
  readonly reservedConcurrency?: number;
  /**
   * Open executions name versions of it: a version goes on with the code and the role that it was published with, and
   * outside `dev` the function stays when it leaves the template. @default false
   */
  readonly namedByExecutions?: boolean;
}

/** Item-level actions of DynamoDB. A transaction needs those of its parts. */
export type TableAction =
  | 'GetItem'
  | 'Query'
  | 'Scan'
  | 'PutItem'
  | 'UpdateItem'
  | 'DeleteItem'
  | 'ConditionCheckItem'
  | 'BatchGetItem'
  | 'BatchWriteItem';

export interface TableBinding {
  readonly actions: readonly TableAction[];
  /** Indexes that may be queried. */
  readonly indexes?: readonly string[];
}

export interface BucketBinding {
  /** Key prefixes that may be read, such as `blobs/`. */
  readonly read?: readonly string[];
  /** Key prefixes that may be written. */
  readonly write?: readonly string[];
}

const READS: readonly TableAction[] = ['GetItem', 'Query', 'Scan', 'BatchGetItem'];
const KEY_READ = ['kms:Decrypt', 'kms:DescribeKey'];
const KEY_WRITE = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];

/**
 * A function with the defaults of the platform: a role of its own that can do nothing but write its log and trace,
 * and one binding per thing that it uses, which sets the environment variable and grants exactly those actions.
 */
export class PlatformFunction extends Construct implements IGrantable {
  readonly grantPrincipal: IPrincipal;
  /** Full name, known before deployment. */
  readonly functionName: string;
  readonly timeout: Duration;
  readonly function: LambdaFunction;
  readonly role: Role;
  readonly logGroup: LogGroup;
  private readonly deployment: Deployment;
  /** What it may do with tables already: several ports use one table, and each grant is there once. */
  private readonly tableActions = new Map<Table, Set<TableAction>>();

  constructor(scope: Construct, id: string, props: PlatformFunctionProps) {
    super(scope, id);
    const { deployment, name } = props;
    const { stage } = deployment;
    this.deployment = deployment;

    this.functionName = `wflo-${stage}-${name}`;
    this.timeout = props.timeout;
    this.logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/wflo/${stage}/${name}`,
      retention: logRetention(deployment),
      encryptionKey: props.telemetryKey,
      removalPolicy: removalPolicy(deployment),
    });
    const assumedBy = new ServicePrincipal('lambda.amazonaws.com');
    const description = `Function ${this.functionName}`;
    const retained =
      props.namedByExecutions === true
        ? new RetainedRole(this, 'Role', { deployment, assumedBy, description })
        : undefined;
    this.role = retained ?? new Role(this, 'Role', { assumedBy, description });
    this.grantPrincipal = this.role;
    this.allowOnLogGroup(['logs:CreateLogStream', 'logs:PutLogEvents'], this.logGroup);
    this.allowOnAny(
      ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
      'X-Ray has no resources to name for writing traces',
    );

    this.function = new LambdaFunction(this, 'Function', {
      functionName: this.functionName,
      // Nothing else of the function changes with its policy, and without a change no version is published.
      description:
        retained === undefined ? props.description : `${props.description}, under policy ${retained.policyHash}`,
      code: Code.fromAsset(props.codeFolder),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: lambdaArchitecture(deployment),
      memorySize: props.memoryMib ?? 512,
      timeout: props.timeout,
      ...(props.reservedConcurrency === undefined ? {} : { reservedConcurrentExecutions: props.reservedConcurrency }),
      role: this.role.withoutPolicyUpdates(),
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      tracing: Tracing.ACTIVE,
      // Versions stand in definitions and payloads of executions that may still be open.
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
      environment: {
        NODE_OPTIONS: '--enable-source-maps',
        WFLO_STAGE: stage,
        POWERTOOLS_SERVICE_NAME: name,
        POWERTOOLS_METRICS_NAMESPACE: 'Wflo',
      },
    });
    if (retained !== undefined) this.function.applyRemovalPolicy(removalPolicy(deployment));
    // The role is passed without CDK's own grants, so the order must be said: no call before the policy is there.
    this.function.node.addDependency(this.role);
  }

  get functionArn(): string {
    return this.function.functionArn;
  }

  setEnvironment(variable: string, value: string): this {
    this.function.addEnvironment(variable, value);
    return this;
  }

  /** Allows these exact actions on these resources. */
  allow(
    actions: readonly string[],
    resources: readonly string[],
    conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ): this {
    this.role.addToPrincipalPolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: [...actions],
        resources: [...resources],
        ...(conditions === undefined ? {} : { conditions }),
      }),
    );
    return this;
  }

  /** Allows actions on a resource pattern, with the reason why the resource cannot be named. */
  allowOnPattern(
    actions: readonly string[],
    pattern: string,
    reason: string,
    conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ): this {
    acknowledgeWildcard(this, pattern, reason);
    return this.allow(actions, [pattern], conditions);
  }

  /** Allows actions that know no resources, or whose resources have no names before the call. */
  allowOnAny(
    actions: readonly string[],
    reason: string,
    conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ): this {
    return this.allowOnPattern(actions, '*', reason, conditions);
  }

  allowOnLogGroup(actions: readonly string[], logGroup: LogGroup): this {
    return this.allowOnPattern(
      actions,
      logGroup.logGroupArn,
      'the ARN of a log group stands for its streams; it ends in :*',
    );
  }

  bindTable(variable: string, table: Table, { actions, indexes = [] }: TableBinding): this {
    const granted = this.tableActions.get(table) ?? new Set();
    const added = actions.filter((action) => !granted.has(action));
    if (added.length > 0) {
      this.allow(
        added.map((action) => `dynamodb:${action}`),
        [table.tableArn],
      );
    }
    this.tableActions.set(table, new Set([...granted, ...added]));
    if (indexes.length > 0) {
      this.allow(
        ['dynamodb:Query'],
        indexes.map((index) => `${table.tableArn}/index/${index}`),
      );
    }
    const writes = actions.some((action) => !READS.includes(action));
    if (table.encryptionKey !== undefined)
      this.useKeyThrough('dynamodb', table.encryptionKey, writes ? KEY_WRITE : KEY_READ);
    return this.setEnvironment(variable, table.tableName);
  }

  bindBucket(variable: string, bucket: Bucket, { read = [], write = [] }: BucketBinding): this {
    for (const prefix of read) this.allowObjects('s3:GetObject', bucket, prefix);
    for (const prefix of write) this.allowObjects('s3:PutObject', bucket, prefix);
    if (read.length > 0) {
      // Without it S3 answers 403 for an object that does not exist.
      this.allow(['s3:ListBucket'], [bucket.bucketArn]);
    }
    if (bucket.encryptionKey !== undefined) {
      this.useKeyThrough(
        's3',
        bucket.encryptionKey,
        write.length > 0 ? ['kms:Decrypt', 'kms:GenerateDataKey'] : ['kms:Decrypt'],
      );
    }
    return this.setEnvironment(variable, bucket.bucketName);
  }

  /** Lets the function use a customer key, but only in calls that a service makes for it. */
  useKeyThrough(service: string, key: IKey, actions: readonly string[]): this {
    return this.allow(actions, [key.keyArn], {
      StringEquals: { 'kms:ViaService': `${service}.${Stack.of(this).region}.amazonaws.com` },
    });
  }

  /**
   * Binds a function that makes presigned URLs. On AWS they carry the SDK's own host; on the local AWS the host under
   * which the sandboxes reach it.
   */
  bindPresignedUrls(): this {
    return this.deployment.endpoint === undefined
      ? this
      : this.setEnvironment('PRESIGN_ENDPOINT', this.deployment.endpoint);
  }

  private allowObjects(action: 's3:GetObject' | 's3:PutObject', bucket: Bucket, prefix: string): void {
    this.allowOnPattern(
      [action],
      bucket.arnForObjects(`${prefix}*`),
      `the keys under ${prefix} hold execution ids and hashes`,
    );
  }
}
