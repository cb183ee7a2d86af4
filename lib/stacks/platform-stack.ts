import { join } from 'node:path';
import { ArnFormat, Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { AuthorizationType, CfnAccount, EndpointType } from 'aws-cdk-lib/aws-apigateway';
import { InterfaceVpcEndpoint, InterfaceVpcEndpointAwsService } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import {
  AnyPrincipal,
  Effect,
  ManagedPolicy,
  PolicyDocument,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import { EventSourceMapping, FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { DeadLetterQueue } from '../constructs/dead-letter-queue/dead-letter-queue.ts';
import { type Deployment, logRetention, removalPolicy } from '../constructs/deployment/deployment.ts';
import { retainOnReplacement } from '../constructs/deployment/retain-on-replacement.ts';
import { acknowledgeWildcard } from '../constructs/nag/reasoned-checks.ts';
import { PlatformFunction, type TableAction } from '../constructs/platform-function/platform-function.ts';
import { imageRepositoryArns } from '../constructs/sandbox-images/sandbox-images.ts';
import { ServiceApi } from '../constructs/service-api/service-api.ts';
import type { PlatformFunctionName } from '../project/build-functions.ts';
import type { DataStack } from './data-stack.ts';
import type { NetworkStack } from './network-stack.ts';

export interface PlatformStackProps extends StackProps {
  readonly deployment: Deployment;
  readonly data: DataStack;
  readonly network: NetworkStack;
  /** Folder of the bundles that `buildFunctions` made. */
  readonly functionsDir: string;
}

/** A transaction of `ExecutionStore.commit`: puts, updates and checks of single records. */
export const COMMIT: readonly TableAction[] = ['PutItem', 'UpdateItem', 'ConditionCheckItem'];

/** The functions, the doors (APIs, rule, schedule, stream) that start them, and what sandboxes run on. */
export class PlatformStack extends Stack {
  readonly cluster: Cluster;
  readonly executionRole: Role;
  readonly sandboxLogGroup: LogGroup;
  readonly sandboxApi: ServiceApi;
  readonly controlApi: ServiceApi;
  readonly openExecution: PlatformFunction;
  readonly prepareStep: PlatformFunction;
  readonly finishStep: PlatformFunction;
  readonly closeExecution: PlatformFunction;
  readonly endExecution: PlatformFunction;
  readonly relayEvents: PlatformFunction;
  readonly reconcile: PlatformFunction;
  readonly serveSandboxApi: PlatformFunction;
  readonly serveControlApi: PlatformFunction;
  readonly undeliveredRecords: DeadLetterQueue;
  readonly undeliveredEndings: DeadLetterQueue;
  readonly relayMapping: EventSourceMapping;
  private readonly props: PlatformStackProps;

  constructor(scope: Construct, id: string, props: PlatformStackProps) {
    super(scope, id, props);
    this.props = props;
    const { deployment, data } = props;

    this.sandboxLogGroup = new LogGroup(this, 'SandboxLog', {
      logGroupName: `/wflo/${deployment.stage}/sandbox`,
      retention: logRetention(deployment),
      encryptionKey: data.telemetryKey,
      removalPolicy: removalPolicy(deployment),
    });
    this.cluster = this.makeCluster();
    this.executionRole = this.makeExecutionRole();
    this.undeliveredRecords = this.makeQueue('UndeliveredRecords', 'undelivered-records');
    this.undeliveredEndings = this.makeQueue('UndeliveredEndings', 'undelivered-endings');

    this.openExecution = this.makeFunction('open-execution', 'Records an execution and stores its input', 30);
    this.writesRecords(this.openExecution);

    this.prepareStep = this.makeFunction('prepare-step', 'Allots an attempt and freezes what it will run', 30);
    this.writesRecords(this.prepareStep);

    this.finishStep = this.makeFunction('finish-step', 'Turns the outcome of an attempt into the next move', 60);
    this.writesRecords(this.finishStep);
    this.seesTasks(this.finishStep);

    this.closeExecution = this.makeFunction('close-execution', 'Stores the output and ends an execution', 30);
    this.writesRecords(this.closeExecution);

    this.endExecution = this.makeFunction('end-execution', 'Closes what ended outside its graph', 60);
    this.writesRecords(this.endExecution);
    this.seesTasks(this.endExecution);

    this.relayEvents = this.makeFunction('relay-events', 'Appends events to the audit chain, then publishes them', 60);
    this.relays(this.relayEvents);
    this.relayMapping = this.connectStream();

    this.reconcile = this.makeFunction('reconcile', 'Looks for what is overdue, every minute', 55);
    this.writesRecords(this.reconcile, ['byCheck']);
    this.relays(this.reconcile);
    this.seesTasks(this.reconcile);
    this.stopsExecutions(this.reconcile);

    this.serveSandboxApi = this.makeFunction('serve-sandbox-api', 'The door of runners: claim to complete', 29);
    this.writesRecords(this.serveSandboxApi);
    this.seesTasks(this.serveSandboxApi);
    this.serveSandboxApi
      .bindBucket('ARTEFACT_BUCKET', data.artefacts, { read: ['code/', 'uploads/'], write: ['uploads/'] })
      .bindPresignedUrls()
      .setEnvironment('SANDBOX_LOG_GROUP', this.sandboxLogGroup.logGroupName)
      .allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [this.sandboxLogGroup.logGroupArn]);
    acknowledgeWildcard(
      this.serveSandboxApi,
      this.sandboxLogGroup.logGroupArn,
      'the ARN of a log group stands for its streams; it ends in :*',
    );

    this.serveControlApi = this.makeFunction('serve-control-api', 'The door of people: start, watch, cancel', 29);
    this.writesRecords(this.serveControlApi, ['byTenant', 'byWorkflow']);
    this.stopsExecutions(this.serveControlApi);
    this.startsExecutions(this.serveControlApi);
    this.serveControlApi
      .bindTable('AUDIT_TABLE', data.auditTable, { actions: ['GetItem', 'Query'] })
      .setEnvironment('SANDBOX_LOG_GROUP', this.sandboxLogGroup.logGroupName)
      .allow(
        ['logs:FilterLogEvents', 'logs:GetLogEvents', 'logs:DescribeLogStreams'],
        [this.sandboxLogGroup.logGroupArn],
      );
    acknowledgeWildcard(
      this.serveControlApi,
      this.sandboxLogGroup.logGroupArn,
      'the ARN of a log group stands for its streams; it ends in :*',
    );

    this.allowAccessLogs();
    this.sandboxApi = this.makeSandboxApi();
    this.controlApi = new ServiceApi(this, 'ControlApi', {
      deployment,
      name: 'control-api',
      description: 'Control API of Wflo: for people and their tools',
      handler: this.serveControlApi,
      telemetryKey: data.telemetryKey,
      endpoint: EndpointType.REGIONAL,
      roots: [{ path: 'v1', method: 'ANY', authorization: AuthorizationType.IAM }],
      requestsPerSecond: 100,
    });
    this.connectEndings();
    this.connectSchedule();
    this.publishParameters();
  }

  private makeQueue(id: string, purpose: string): DeadLetterQueue {
    return new DeadLetterQueue(this, id, {
      deployment: this.props.deployment,
      purpose,
      key: this.props.data.telemetryKey,
    });
  }

  private makeFunction(name: PlatformFunctionName, description: string, timeoutSeconds: number): PlatformFunction {
    const { deployment, data, functionsDir } = this.props;
    return new PlatformFunction(this, pascalCase(name), {
      deployment,
      name,
      description,
      codeFolder: join(functionsDir, 'lambdas', name),
      timeout: Duration.seconds(timeoutSeconds),
      telemetryKey: data.telemetryKey,
    });
  }

  private writesRecords(fn: PlatformFunction, indexes: readonly string[] = []): void {
    bindRecords(fn, this.props.data, indexes);
  }

  private relays(fn: PlatformFunction): void {
    const { data } = this.props;
    const isStreamHandler = fn === this.relayEvents;
    fn.bindTable('EVENTS_TABLE', data.eventsTable, {
      actions: ['UpdateItem'],
      ...(isStreamHandler ? {} : { indexes: ['byUnpublished'] }),
    })
      .bindTable('AUDIT_TABLE', data.auditTable, {
        actions: ['GetItem', 'Query', 'PutItem', 'UpdateItem', 'ConditionCheckItem'],
      })
      .setEnvironment('EVENT_BUS', data.eventBus.ref)
      .allow(['events:PutEvents'], [data.eventBus.attrArn]);
  }

  /** Watches and stops tasks of our cluster. */
  private seesTasks(fn: PlatformFunction): void {
    const { clusterArn } = this.cluster;
    const tasks = this.formatArn({ service: 'ecs', resource: 'task', resourceName: `${this.cluster.clusterName}/*` });
    fn.setEnvironment('SANDBOX_CLUSTER', this.cluster.clusterName)
      .allowOnPattern(['ecs:DescribeTasks', 'ecs:StopTask'], tasks, 'ECS makes up the ids of tasks')
      .allowOnAny(['ecs:ListTasks'], 'ListTasks knows container instances only; the condition names our cluster', {
        ArnEquals: { 'ecs:cluster': clusterArn },
      });
  }

  private stopsExecutions(fn: PlatformFunction): void {
    const executions = this.formatArn({
      service: 'states',
      resource: 'execution',
      resourceName: `wflo-${this.props.deployment.stage}-*`,
      arnFormat: COLON,
    });
    fn.allowOnPattern(
      ['states:DescribeExecution', 'states:StopExecution'],
      executions,
      'workflows are deployed after the platform; all of this stage begin with its prefix',
    ).useKeyThrough('states', this.props.data.dataKey, ['kms:Decrypt']);
  }

  private startsExecutions(fn: PlatformFunction): void {
    const machines = this.formatArn({
      service: 'states',
      resource: 'stateMachine',
      resourceName: `wflo-${this.props.deployment.stage}-*`,
      arnFormat: COLON,
    });
    const parameters = `/wflo/${this.props.deployment.stage}/workflows`;
    const parameterArn = this.formatArn({ service: 'ssm', resource: 'parameter', resourceName: parameters.slice(1) });
    fn.allowOnPattern(
      ['states:StartExecution', 'states:DescribeStateMachine'],
      machines,
      'workflows are deployed after the platform; all of this stage begin with its prefix',
    ).allow(['ssm:GetParametersByPath'], [parameterArn]);
  }

  private makeCluster(): Cluster {
    const cluster = new Cluster(this, 'Sandboxes', {
      clusterName: `wflo-${this.props.deployment.stage}`,
      vpc: this.props.network.network.vpc,
      containerInsightsV2: ContainerInsights.DISABLED,
    });
    Validations.of(cluster).acknowledge({
      id: 'AwsSolutions-ECS4',
      reason:
        'every attempt reports its own CPU, memory and time; Container Insights bills per task and tells nothing more',
    });
    return cluster;
  }

  /** Pulls images and nothing else. Sandboxes have no task role. */
  private makeExecutionRole(): Role {
    const role = new Role(this, 'SandboxExecutionRole', {
      description: `Pulls sandbox images of Wflo ${this.props.deployment.stage}`,
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': this.account },
          ArnLike: { 'aws:SourceArn': `arn:${this.partition}:ecs:${this.region}:${this.account}:*` },
        },
      }),
    });
    // Revisions of open executions name it.
    retainOnReplacement(role, removalPolicy(this.props.deployment));
    const repositories = imageRepositoryArns(this, this.props.deployment);
    role.addToPolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
        resources: repositories,
      }),
    );
    role.addToPolicy(
      new PolicyStatement({ effect: Effect.ALLOW, actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }),
    );
    acknowledgeWildcard(role, '*', 'a login to ECR is for the whole registry; it has no resource');
    for (const arn of repositories)
      acknowledgeWildcard(role, arn, 'the repositories of named images all begin with wflo/');
    return role;
  }

  private makeSandboxApi(): ServiceApi {
    const { deployment, data, network } = this.props;
    const isPrivate = network.endpoints !== undefined;
    const api = new ServiceApi(this, 'SandboxApi', {
      deployment,
      name: 'sandbox-api',
      description: 'Sandbox API of Wflo: for runners, by lease',
      handler: this.serveSandboxApi,
      telemetryKey: data.telemetryKey,
      endpoint: isPrivate ? EndpointType.PRIVATE : EndpointType.REGIONAL,
      ...(isPrivate ? { policy: this.fromSandboxNetworkOnly() } : {}),
      roots: [{ path: 'v1', method: 'POST', authorization: AuthorizationType.NONE }],
      requestsPerSecond: 1000,
    });
    Validations.of(api).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason:
        'a sandbox has no AWS credentials: the function checks the bootstrap code of its lease, then its session token',
    });
    if (network.endpoints !== undefined) {
      const endpoint = new InterfaceVpcEndpoint(this, 'SandboxApiEndpoint', {
        vpc: network.network.vpc,
        service: InterfaceVpcEndpointAwsService.APIGATEWAY,
        subnets: { subnets: [...network.network.subnets] },
        securityGroups: [network.endpoints.securityGroup],
        open: false,
      });
      endpoint.addToPolicy(
        new PolicyStatement({
          sid: 'OurSandboxApi',
          effect: Effect.ALLOW,
          principals: [new AnyPrincipal()],
          actions: ['execute-api:Invoke'],
          resources: [api.api.arnForExecuteApi('POST', '/v1/*', api.api.deploymentStage.stageName)],
        }),
      );
    }
    return api;
  }

  /**
   * The endpoint's policy names the API, so the API's policy cannot name the endpoint: it names their network, in
   * which there is no other endpoint for APIs. AWS sets `aws:SourceVpc` on every call of a private API, so that
   * `IfExists` loosens nothing there; the local AWS never sets it.
   */
  private fromSandboxNetworkOnly(): PolicyDocument {
    return new PolicyDocument({
      statements: [
        new PolicyStatement({
          effect: Effect.ALLOW,
          principals: [new AnyPrincipal()],
          actions: ['execute-api:Invoke'],
          resources: ['execute-api:/*'],
          conditions: { StringEqualsIfExists: { 'aws:SourceVpc': this.props.network.network.vpc.vpcId } },
        }),
      ],
    });
  }

  /** API Gateway writes access logs with one role per account and region; what is there is never taken away. */
  private allowAccessLogs(): void {
    const role = new Role(this, 'ApiGatewayLogs', {
      assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonAPIGatewayPushToCloudWatchLogs')],
    });
    role.applyRemovalPolicy(RemovalPolicy.RETAIN);
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
      reason:
        'the one role of API Gateway in an account and region serves all its APIs, so it needs what AWS grants it',
    });
    const account = new CfnAccount(this, 'ApiGatewayAccount', { cloudWatchRoleArn: role.roleArn });
    account.applyRemovalPolicy(RemovalPolicy.RETAIN);
  }

  private connectStream(): EventSourceMapping {
    const { eventsTable, telemetryKey, dataKey } = this.props.data;
    const streamArn = eventsTable.tableStreamArn;
    if (streamArn === undefined) throw new Error('the Events table has no stream');
    this.relayEvents
      .allow(['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'], [streamArn])
      .allowOnAny(['dynamodb:ListStreams'], 'ListStreams has no resource, and Lambda refuses a mapping without it')
      .useKeyThrough('dynamodb', dataKey, ['kms:Decrypt'])
      .allow(['sqs:SendMessage'], [this.undeliveredRecords.queueArn])
      .useKeyThrough('sqs', telemetryKey, ['kms:Decrypt', 'kms:GenerateDataKey']);
    const mapping = new EventSourceMapping(this, 'OutboxStream', {
      target: this.relayEvents.function,
      eventSourceArn: streamArn,
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 10,
      // More would put the items of one execution out of order.
      parallelizationFactor: 1,
      // The handler throws on the first record that fails; AWS halves the batch until that record is alone.
      bisectBatchOnError: true,
      retryAttempts: 10,
      // The local AWS repeats a failing batch for ever and knows only this end. What is given up here is still
      // unpublished in the table, and `reconcile` publishes it later.
      maxRecordAge: Duration.minutes(5),
      onFailure: { bind: () => ({ destination: this.undeliveredRecords.queueArn }) },
      filters: [FilterCriteria.filter({ eventName: FilterRule.isEqual('INSERT') })],
    });
    mapping.node.addDependency(this.relayEvents.role);
    return mapping;
  }

  private connectEndings(): void {
    const { stage } = this.props.deployment;
    const prefix = this.formatArn({
      service: 'states',
      resource: 'stateMachine',
      resourceName: `wflo-${stage}-`,
      arnFormat: COLON,
    });
    new Rule(this, 'ExecutionEnded', {
      ruleName: `wflo-${stage}-execution-ended`,
      description: 'Executions that ended without reaching Close',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'], stateMachineArn: [{ prefix }] },
      },
      targets: [
        new LambdaTarget(this.endExecution.function, {
          deadLetterQueue: this.undeliveredEndings,
          retryAttempts: 185,
          maxEventAge: Duration.hours(24),
        }),
      ],
    });
    this.endExecution
      .allow(['sqs:SendMessage'], [this.undeliveredEndings.queueArn])
      .useKeyThrough('sqs', this.props.data.telemetryKey, ['kms:Decrypt', 'kms:GenerateDataKey']);
    this.endExecution.function.configureAsyncInvoke({
      retryAttempts: 2,
      maxEventAge: Duration.hours(6),
      onFailure: { bind: () => ({ destination: this.undeliveredEndings.queueArn }) },
    });
  }

  private connectSchedule(): void {
    const { stage } = this.props.deployment;
    new Rule(this, 'EveryMinute', {
      ruleName: `wflo-${stage}-every-minute`,
      description: 'Starts reconcile',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaTarget(this.reconcile.function, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });
    // The next minute is the retry.
    this.reconcile.function.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
  }

  private publishParameters(): void {
    const { stage, network } = this.props.deployment;
    const values = {
      'control-api-url': this.controlApi.url,
      'sandbox-cluster': this.cluster.clusterName,
      'network-mode': network,
    };
    for (const [name, stringValue] of Object.entries(values)) {
      new StringParameter(this, pascalCase(`${name}-parameter`), {
        parameterName: `/wflo/${stage}/${name}`,
        stringValue,
      });
    }
  }
}

const COLON = ArnFormat.COLON_RESOURCE_NAME;

function pascalCase(name: string): string {
  return name
    .split('-')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
}

export function bindRecords(fn: PlatformFunction, data: DataStack, indexes: readonly string[] = []): void {
  fn.bindTable('STATE_TABLE', data.stateTable, { actions: ['GetItem', 'Query', ...COMMIT], indexes })
    .bindTable('EVENTS_TABLE', data.eventsTable, { actions: ['PutItem'] })
    .bindBucket('ARTEFACT_BUCKET', data.artefacts, { read: ['blobs/'], write: ['blobs/'] });
}
