import { join } from 'node:path';
import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { AuthorizationType, EndpointType } from 'aws-cdk-lib/aws-apigateway';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { WATCHED, WATCHED_KINDS } from '../aws/ledger-items.ts';
import { RESUMES } from '../aws/outbox-items.ts';
import { DeadLetterQueue } from '../constructs/dead-letter-queue/dead-letter-queue.ts';
import type { Deployment } from '../constructs/deployment/deployment.ts';
import { ExecutionEndings } from '../constructs/execution-endings/execution-endings.ts';
import { OutboxConsumer } from '../constructs/outbox-consumer/outbox-consumer.ts';
import {
  bindAnnouncements,
  bindApprovalRecords,
  bindBedrockLog,
  bindBlobs,
  bindExecutionStore,
  bindExecutions,
  bindFunction,
  bindLedger,
  bindOutcomes,
  bindPeople,
  bindPeopleStore,
  bindProviders,
  bindRelay,
  bindStepLogs,
  bindTasks,
  bindTaskTokens,
  bindUsageReports,
  bindWaitingStates,
  bindWorkflows,
} from '../constructs/platform-function/grants.ts';
import { PlatformFunction, type PlatformFunctionProps } from '../constructs/platform-function/platform-function.ts';
import { imageRepositoryArns } from '../constructs/sandbox-images/sandbox-images.ts';
import { SandboxRuntime } from '../constructs/sandbox-runtime/sandbox-runtime.ts';
import { AccessLogRole } from '../constructs/service-api/access-log-role.ts';
import { SandboxApi } from '../constructs/service-api/sandbox-api.ts';
import { ServiceApi } from '../constructs/service-api/service-api.ts';
import { StreamConsumer } from '../constructs/stream-consumer/stream-consumer.ts';
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

/** The longest that Lambda runs a function. */
const FUNCTION_SECONDS = 15 * 60;

/** The functions, the doors (APIs, rule, schedule, stream) that start them, and what sandboxes run on. */
export class PlatformStack extends Stack {
  readonly runtime: SandboxRuntime;
  readonly openExecution: PlatformFunction;
  readonly prepareStep: PlatformFunction;
  readonly requestApproval: PlatformFunction;
  readonly resumeApproval: PlatformFunction;
  readonly expireApproval: PlatformFunction;
  readonly finishStep: PlatformFunction;
  readonly closeExecution: PlatformFunction;
  readonly endExecution: PlatformFunction;
  readonly relayEvents: PlatformFunction;
  readonly watchBudgets: PlatformFunction;
  readonly reconcile: PlatformFunction;
  readonly serveSandboxApi: PlatformFunction;
  readonly serveControlApi: PlatformFunction;
  readonly serveGateway: PlatformFunction;
  readonly sandboxApi: SandboxApi;
  readonly controlApi: ServiceApi;
  readonly undeliveredRecords: DeadLetterQueue;
  readonly undeliveredEndings: DeadLetterQueue;
  readonly undeliveredDecisions: DeadLetterQueue;
  readonly undeliveredSpending: DeadLetterQueue;
  private readonly props: PlatformStackProps;

  constructor(scope: Construct, id: string, props: PlatformStackProps) {
    super(scope, id, props);
    this.props = props;
    const { deployment, data, network } = props;

    this.runtime = new SandboxRuntime(this, 'Sandboxes', {
      deployment,
      vpc: network.network.vpc,
      telemetryKey: data.telemetryKey,
      repositoryArns: imageRepositoryArns(this, deployment),
    });
    this.undeliveredRecords = this.makeQueue('UndeliveredRecords', 'undelivered-records');
    this.undeliveredEndings = this.makeQueue('UndeliveredEndings', 'undelivered-endings');
    this.undeliveredDecisions = this.makeQueue('UndeliveredDecisions', 'undelivered-decisions');
    this.undeliveredSpending = this.makeQueue('UndeliveredSpending', 'undelivered-spending');

    this.openExecution = this.makeFunction('open-execution', 'Records an execution and stores its input', 30);
    this.prepareStep = this.makeFunction('prepare-step', 'Allots an attempt and freezes what it will run', 30);
    this.requestApproval = this.makeFunction(
      'request-approval',
      'Lets a waiting state be found by whoever decides',
      30,
    );
    this.resumeApproval = this.makeFunction('resume-approval', 'Tells waiting states what was decided', 60);
    this.expireApproval = this.makeFunction('expire-approval', 'Closes an approval that nobody waits for', 30);
    this.finishStep = this.makeFunction('finish-step', 'Turns the outcome of an attempt into the next move', 60);
    this.closeExecution = this.makeFunction('close-execution', 'Stores the output and ends an execution', 30);
    this.endExecution = this.makeFunction('end-execution', 'Closes what ended outside its graph', 60);
    this.relayEvents = this.makeFunction('relay-events', 'Appends events to the audit chain, then publishes them', 60);
    this.watchBudgets = this.makeFunction('watch-budgets', 'Tells what budgets have reached', 60);
    this.reconcile = this.makeFunction('reconcile', 'Looks for what is overdue, every minute', 55);
    this.serveSandboxApi = this.makeFunction('serve-sandbox-api', 'The door of runners: claim to complete', 29);
    this.serveControlApi = this.makeFunction(
      'serve-control-api',
      'The door of people: start, watch, decide, cancel',
      29,
    );
    this.serveGateway = new PlatformFunction(this, 'ServeGateway', {
      ...this.functionProps('serve-gateway', 'Model calls of agents: reserve, call, settle', FUNCTION_SECONDS),
      // Many calls wait at the same time; its share of a CPU comes with it.
      memoryMib: 1024,
      ...(deployment.gatewayConcurrency === undefined ? {} : { reservedConcurrency: deployment.gatewayConcurrency }),
    });
    this.grantAccess();

    const accessLogs = new AccessLogRole(this, 'AccessLogs');
    this.sandboxApi = new SandboxApi(this, 'SandboxApi', {
      deployment,
      handler: this.serveSandboxApi,
      gateway: this.serveGateway,
      telemetryKey: data.telemetryKey,
      network: network.network,
      endpoints: network.endpoints,
    });
    this.controlApi = new ServiceApi(this, 'ControlApi', {
      deployment,
      name: 'control-api',
      description: 'Control API of Wflo: for people and their tools',
      handler: this.serveControlApi,
      telemetryKey: data.telemetryKey,
      endpoint: EndpointType.REGIONAL,
      roots: [{ path: 'v1', methods: ['ANY'], authorization: AuthorizationType.IAM }],
      requestsPerSecond: 100,
    });
    this.serveSandboxApi.setEnvironment('MODELS_URL', this.sandboxApi.modelsUrl);
    this.sandboxApi.node.addDependency(accessLogs);
    this.controlApi.node.addDependency(accessLogs);

    new OutboxConsumer(this, 'OutboxRelay', {
      handler: this.relayEvents,
      eventsTable: data.eventsTable,
      dataKey: data.dataKey,
      undelivered: this.undeliveredRecords,
      telemetryKey: data.telemetryKey,
    });
    new OutboxConsumer(this, 'Decisions', {
      handler: this.resumeApproval,
      eventsTable: data.eventsTable,
      dataKey: data.dataKey,
      undelivered: this.undeliveredDecisions,
      telemetryKey: data.telemetryKey,
      only: RESUMES,
      // `reconcile` resumes what is overdue after 30 seconds: one that cannot be resumed must not hold up the others.
      maxAge: Duration.minutes(1),
    });
    new StreamConsumer(this, 'Spending', {
      handler: this.watchBudgets,
      table: data.ledgerTable,
      dataKey: data.dataKey,
      undelivered: this.undeliveredSpending,
      telemetryKey: data.telemetryKey,
      changes: ['INSERT', 'MODIFY'],
      only: { attribute: WATCHED, values: WATCHED_KINDS },
      // Every call changes several scopes; most of them reach nothing new.
      batchSize: 100,
    });
    new ExecutionEndings(this, 'ExecutionEndings', {
      stage: deployment.stage,
      handler: this.endExecution,
      undelivered: this.undeliveredEndings,
      telemetryKey: data.telemetryKey,
    });
    this.scheduleReconcile();
    this.publishParameters();
  }

  private grantAccess(): void {
    const { data, deployment } = this.props;
    const { cluster, logGroup } = this.runtime;
    const executions = { stage: deployment.stage, dataKey: data.dataKey };

    bindExecutionStore(this.openExecution, data);
    bindBlobs(this.openExecution, data, 'read and write');
    bindPeople(this.openExecution, data);
    bindLedger(this.openExecution, data, ['open']);

    bindExecutionStore(this.prepareStep, data, { lists: true, checks: true });
    bindBlobs(this.prepareStep, data, 'read and write');
    // What a sandbox may cost is held before it starts; what does not fit is told.
    bindLedger(this.prepareStep, data, ['reserve', 'settle']);
    bindAnnouncements(this.prepareStep, data);
    this.prepareStep.setEnvironment('SANDBOX_ARCHITECTURE', deployment.architecture);

    // What was decided is told already: these two write when it was resumed.
    bindApprovalRecords(this.requestApproval, data, { events: false });
    bindTaskTokens(this.requestApproval, data, 'write');
    bindWaitingStates(this.requestApproval, executions);

    bindApprovalRecords(this.resumeApproval, data, { events: false });
    bindTaskTokens(this.resumeApproval, data, 'read and remove');
    bindWaitingStates(this.resumeApproval, executions);

    bindApprovalRecords(this.expireApproval, data, { events: true });

    bindExecutionStore(this.finishStep, data);
    bindBlobs(this.finishStep, data, 'read and write');
    bindOutcomes(this.finishStep, data);
    bindTasks(this.finishStep, cluster, 'find and stop');
    // And tells what the attempt has cost.
    bindLedger(this.finishStep, data, ['settle', 'read']);

    // Lists approvals to raise a budget that are still open.
    bindExecutionStore(this.closeExecution, data, { lists: true });
    bindBlobs(this.closeExecution, data, 'read and write');

    bindExecutionStore(this.endExecution, data, { lists: true });
    // It records what a sandbox left signed, with its output.
    bindBlobs(this.endExecution, data, 'read and write');
    bindOutcomes(this.endExecution, data);
    bindTasks(this.endExecution, cluster, 'find and stop');
    bindLedger(this.endExecution, data, ['settle', 'read']);
    bindExecutions(this.endExecution, { ...executions, actions: ['DescribeExecution'] });

    bindRelay(this.relayEvents, data);

    // Of the execution it tells with: its trace.
    this.watchBudgets.bindTable('STATE_TABLE', data.stateTable, { actions: ['GetItem'] });
    bindAnnouncements(this.watchBudgets, data);

    bindExecutionStore(this.reconcile, data, { lists: true, indexes: ['byCheck'] });
    bindRelay(this.reconcile, data);
    this.reconcile.bindTable('EVENTS_TABLE', data.eventsTable, { actions: [], indexes: ['byUnpublished'] });
    // It records the outcome of a silent sandbox, with its output.
    bindBlobs(this.reconcile, data, 'read and write');
    bindOutcomes(this.reconcile, data);
    bindTasks(this.reconcile, cluster, 'find and stop');
    bindExecutions(this.reconcile, { ...executions, actions: ['DescribeExecution', 'StopExecution'] });
    const { bedrockLogGroup } = deployment;
    bindLedger(this.reconcile, data, ['sweep', 'settle', 'read', 'look up', 'raise']);
    bindAnnouncements(this.reconcile, data);
    bindUsageReports(this.reconcile, data, deployment.stage);
    if (bedrockLogGroup !== undefined) bindBedrockLog(this.reconcile, bedrockLogGroup);
    bindFunction(this.reconcile, 'RESUME_FUNCTION', this.resumeApproval);

    bindExecutionStore(this.serveSandboxApi, data);
    bindPeople(this.serveSandboxApi, data);
    // Frozen payloads and outputs, and what the presigned URLs that it makes may do: they have its own permissions.
    this.serveSandboxApi
      .bindBucket('ARTEFACT_BUCKET', data.artefacts, {
        read: ['blobs/', 'code/', 'uploads/', 'workspaces/'],
        write: ['blobs/', 'uploads/', 'workspaces/'],
      })
      .bindPresignedUrls();
    bindTasks(this.serveSandboxApi, cluster, 'describe');
    bindStepLogs(this.serveSandboxApi, logGroup, 'write');

    // It reads leases and executions, puts approvals to raise a budget, and writes how one ends whose budget does not suffice.
    bindExecutionStore(this.serveGateway, data);
    bindLedger(this.serveGateway, data, ['reserve', 'settle']);
    bindAnnouncements(this.serveGateway, data);
    bindExecutions(this.serveGateway, { ...executions, actions: ['StopExecution'] });
    bindProviders(this.serveGateway, executions);

    bindExecutionStore(this.serveControlApi, data, {
      lists: true,
      indexes: ['byTenant', 'byWorkflow', 'byApproval'],
    });
    bindBlobs(this.serveControlApi, data, 'read');
    this.serveControlApi.bindPresignedUrls().bindTable('AUDIT_TABLE', data.auditTable, { actions: ['Query'] });
    bindExecutions(this.serveControlApi, { ...executions, actions: ['DescribeExecution', 'StopExecution'] });
    bindLedger(this.serveControlApi, data, ['manage', 'settle', 'read', 'browse']);
    bindAnnouncements(this.serveControlApi, data);
    bindPeopleStore(this.serveControlApi, data);
    bindFunction(this.serveControlApi, 'RECONCILE_FUNCTION', this.reconcile);
    bindWorkflows(this.serveControlApi, deployment.stage);
    bindStepLogs(this.serveControlApi, logGroup, 'read');
  }

  private makeQueue(id: string, purpose: string): DeadLetterQueue {
    return new DeadLetterQueue(this, id, {
      deployment: this.props.deployment,
      purpose,
      key: this.props.data.telemetryKey,
    });
  }

  private makeFunction(name: PlatformFunctionName, description: string, timeoutSeconds: number): PlatformFunction {
    return new PlatformFunction(this, pascalCase(name), this.functionProps(name, description, timeoutSeconds));
  }

  private functionProps(
    name: PlatformFunctionName,
    description: string,
    timeoutSeconds: number,
  ): PlatformFunctionProps {
    const { deployment, data, functionsDir } = this.props;
    return {
      deployment,
      name,
      description,
      codeFolder: join(functionsDir, 'lambdas', name),
      timeout: Duration.seconds(timeoutSeconds),
      telemetryKey: data.telemetryKey,
    };
  }

  private scheduleReconcile(): void {
    new Rule(this, 'EveryMinute', {
      ruleName: `wflo-${this.props.deployment.stage}-every-minute`,
      description: 'Starts reconcile',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(this.reconcile.function, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });
    // The next minute is the retry.
    this.reconcile.function.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
  }

  private publishParameters(): void {
    const { stage, network } = this.props.deployment;
    const values = {
      'control-api-url': this.controlApi.url,
      'sandbox-cluster': this.runtime.cluster.clusterName,
      'network-mode': network,
    };
    for (const [name, stringValue] of Object.entries(values)) {
      new StringParameter(this, `${pascalCase(name)}Parameter`, {
        parameterName: `/wflo/${stage}/${name}`,
        stringValue,
      });
    }
  }
}

function pascalCase(name: string): string {
  return name
    .split('-')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
}
