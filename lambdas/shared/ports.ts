import { bedrockInvocationLogs } from '../../lib/aws/bedrock-invocation-logs.ts';
import { cloudWatchStepLogs } from '../../lib/aws/cloudwatch-step-logs.ts';
import { deployedWorkflows } from '../../lib/aws/deployed-workflows.ts';
import { documentClient } from '../../lib/aws/document-client.ts';
import { dynamoAuditStore } from '../../lib/aws/dynamo-audit-store.ts';
import { dynamoExecutionStore } from '../../lib/aws/dynamo-execution-store.ts';
import { dynamoLedger } from '../../lib/aws/dynamo-ledger.ts';
import { dynamoAnnouncements } from '../../lib/aws/dynamo-ledger-announcements.ts';
import { dynamoBudgets } from '../../lib/aws/dynamo-ledger-budgets.ts';
import { dynamoOutboxStore } from '../../lib/aws/dynamo-outbox-store.ts';
import { dynamoPeople } from '../../lib/aws/dynamo-people.ts';
import { dynamoTaskTokenReader, dynamoTaskTokenWriter } from '../../lib/aws/dynamo-task-tokens.ts';
import { dynamoTenants } from '../../lib/aws/dynamo-tenants.ts';
import { ecsSandboxTasks } from '../../lib/aws/ecs-sandbox-tasks.ts';
import { eventBridgeBus } from '../../lib/aws/event-bridge-bus.ts';
import { lambdaFunctionCaller } from '../../lib/aws/function-caller.ts';
import { lambdaInvoker } from '../../lib/aws/lambda-invoker.ts';
import { s3BlobStore } from '../../lib/aws/s3-blob-store.ts';
import { stepFunctionsMachines } from '../../lib/aws/step-functions-machines.ts';
import { stepFunctionsWaitingStates } from '../../lib/aws/step-functions-waiting-states.ts';
import { systemClock } from '../../lib/aws/system-clock.ts';
import { ulidIds } from '../../lib/aws/ulid-ids.ts';
import { secretUsageKeys } from '../../lib/aws/usage-keys.ts';
import { WfloError } from '../../lib/errors.ts';
import type { ProviderRecords, StateMachines } from '../../lib/ports.ts';
import * as clients from './clients.ts';
import { bedrockLogGroup, environment, presignEndpoint } from './environment.ts';
import { once } from './once.ts';

/** The ports on AWS, from the environment of the function. Each asks only for the variables that it needs. */
export const clock = systemClock;
export const ids = /* @__PURE__ */ ulidIds(clock);

export const executionStore = /* @__PURE__ */ once(() =>
  dynamoExecutionStore({
    client: clients.dynamo(),
    stateTable: environment('STATE_TABLE'),
    eventsTable: environment('EVENTS_TABLE'),
    ids,
    clock,
    retentionDays: Number(environment('RETENTION_DAYS')),
  }),
);

export const outboxStore = /* @__PURE__ */ once(() =>
  dynamoOutboxStore({ client: clients.dynamo(), eventsTable: environment('EVENTS_TABLE') }),
);

export const auditStore = /* @__PURE__ */ once(() =>
  dynamoAuditStore({ client: clients.dynamo(), auditTable: environment('AUDIT_TABLE') }),
);

export const blobStore = /* @__PURE__ */ once(() =>
  s3BlobStore({
    dynamo: clients.dynamo(),
    s3: clients.s3(),
    presign: clients.presignS3(),
    stateTable: environment('STATE_TABLE'),
    bucket: environment('ARTEFACT_BUCKET'),
    clock,
    retentionDays: Number(environment('RETENTION_DAYS')),
  }),
);

export const eventBus = /* @__PURE__ */ once(() =>
  eventBridgeBus({ client: clients.eventBridge(), eventBus: environment('EVENT_BUS') }),
);

export const sandboxTasks = /* @__PURE__ */ once(() =>
  ecsSandboxTasks({ client: clients.ecs(), cluster: environment('SANDBOX_CLUSTER') }),
);

export const stepFunctionInvoker = /* @__PURE__ */ once(() => lambdaInvoker({ client: clients.lambda() }));

export const functionCaller = /* @__PURE__ */ once(() => lambdaFunctionCaller({ client: clients.lambda() }));

export const people = /* @__PURE__ */ once(() =>
  dynamoPeople({ client: clients.dynamo(), peopleTable: environment('PEOPLE_TABLE') }),
);

export const ledger = /* @__PURE__ */ once(() =>
  dynamoLedger({
    client: clients.ledgerDynamo(),
    ledgerTable: environment('LEDGER_TABLE'),
    stateTable: environment('STATE_TABLE'),
    ids,
    clock,
    retentionDays: Number(environment('RETENTION_DAYS')),
  }),
);

export const budgets = /* @__PURE__ */ once(() =>
  dynamoBudgets({
    client: clients.ledgerDynamo(),
    ledgerTable: environment('LEDGER_TABLE'),
    ids,
    clock,
    retentionDays: Number(environment('RETENTION_DAYS')),
  }),
);

export const announcements = /* @__PURE__ */ once(() =>
  dynamoAnnouncements({
    client: clients.ledgerDynamo(),
    ledgerTable: environment('LEDGER_TABLE'),
    stateTable: environment('STATE_TABLE'),
    eventsTable: environment('EVENTS_TABLE'),
    ids,
    clock,
    retentionDays: Number(environment('RETENTION_DAYS')),
  }),
);

export const taskTokenWriter = /* @__PURE__ */ once(() =>
  dynamoTaskTokenWriter({ client: clients.dynamo(), tokensTable: environment('TOKENS_TABLE'), clock }),
);

export const taskTokenReader = /* @__PURE__ */ once(() =>
  dynamoTaskTokenReader({ client: clients.dynamo(), tokensTable: environment('TOKENS_TABLE') }),
);

export const waitingStates = /* @__PURE__ */ once(() => stepFunctionsWaitingStates({ sfn: clients.stepFunctions() }));

/** Undefined where the deployment names no log of Bedrock. */
export function bedrockRecords(): ProviderRecords | undefined {
  const logGroup = bedrockLogGroup();
  return logGroup === undefined ? undefined : bedrockInvocationLogs({ client: clients.cloudWatchLogs(), logGroup });
}

/** The local AWS, whose objects have an address of their own, may have a provider on this machine. */
export const usageKeys = /* @__PURE__ */ once(() =>
  secretUsageKeys({
    client: clients.secretsManager(),
    stage: environment('WFLO_STAGE'),
    loopback: presignEndpoint() !== undefined,
  }),
);

export function tenants(): Promise<readonly string[]> {
  return dynamoTenants({ client: clients.dynamo(), peopleTable: environment('PEOPLE_TABLE') });
}

export const stepLogs = /* @__PURE__ */ once(() =>
  cloudWatchStepLogs({ client: clients.cloudWatchLogs(), logGroup: environment('SANDBOX_LOG_GROUP'), clock }),
);

/** Machines are in the partition, region and account of the function itself, which its ARN names. */
export const workflows = () =>
  deployedWorkflows({
    client: documentClient(clients.dynamo()),
    stateTable: environment('STATE_TABLE'),
    sfn: clients.stepFunctions(),
  });

export function stateMachines(functionArn: string): StateMachines {
  const [, partition, , region, account] = functionArn.split(':');
  if (partition === undefined || region === undefined || account === undefined) {
    throw new WfloError('internal', `${functionArn} is not the ARN of a function`);
  }
  return stepFunctionsMachines({
    sfn: clients.stepFunctions(),
    stage: environment('WFLO_STAGE'),
    region,
    account,
    partition,
  });
}
