import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { ICluster } from 'aws-cdk-lib/aws-ecs';
import type { CfnEventBus } from 'aws-cdk-lib/aws-events';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { PlatformFunction, TableAction } from './platform-function.ts';

/**
 * What a function needs for one port: its variables and exactly the actions that the adapter in `lib/aws` calls.
 * A change of an adapter that calls another action is a change here.
 */

/** What the stack with state gives to functions. */
export interface Stores {
  readonly stateTable: Table;
  readonly eventsTable: Table;
  readonly auditTable: Table;
  readonly peopleTable: Table;
  readonly tokensTable: Table;
  readonly ledgerTable: Table;
  readonly artefacts: Bucket;
  readonly eventBus: CfnEventBus;
  readonly dataKey: Key;
  /** Of records, after their last write. */
  readonly retentionDays: number;
}

/** What a function does with records beside getting, making and changing them. */
export interface RecordUse {
  /** Lists the records of an execution. */
  readonly lists?: boolean;
  /** Commits nothing but an expectation of one record: where an event is told, its count changes that record. */
  readonly checks?: boolean;
  /** Indexes that it queries. */
  readonly indexes?: readonly string[];
}

/** `ExecutionStore`; a transaction needs the actions of its parts. */
export function bindExecutionStore(
  fn: PlatformFunction,
  stores: Stores,
  { lists = false, checks = false, indexes = [] }: RecordUse = {},
): void {
  const actions: TableAction[] = ['GetItem', 'PutItem', 'UpdateItem'];
  if (lists) actions.push('Query');
  if (checks) actions.push('ConditionCheckItem');
  fn.bindTable('STATE_TABLE', stores.stateTable, { actions, indexes });
  setRetention(fn, stores);
  fn.bindTable('EVENTS_TABLE', stores.eventsTable, { actions: ['PutItem'] });
}

/**
 * `ExecutionStore` of a function that gets single records and changes some, but makes none. Its store wants to know the
 * Events table also where no change is told of: `events` says whether it writes any.
 */
export function bindApprovalRecords(fn: PlatformFunction, stores: Stores, { events }: { events: boolean }): void {
  fn.bindTable('STATE_TABLE', stores.stateTable, { actions: ['GetItem', 'UpdateItem'] });
  setRetention(fn, stores);
  if (events) fn.bindTable('EVENTS_TABLE', stores.eventsTable, { actions: ['PutItem'] });
  else fn.setEnvironment('EVENTS_TABLE', stores.eventsTable.tableName);
}

/** Whoever writes a record says when it expires. */
function setRetention(fn: PlatformFunction, stores: Stores): void {
  fn.setEnvironment('RETENTION_DAYS', String(stores.retentionDays));
}

/** `People`: what decisions and claims read of people. */
export function bindPeople(fn: PlatformFunction, stores: Stores): void {
  fn.bindTable('PEOPLE_TABLE', stores.peopleTable, { actions: ['GetItem'] });
}

/** `PeopleStore`: the control API alone changes people. A record is put whole, on condition of its version. */
export function bindPeopleStore(fn: PlatformFunction, stores: Stores): void {
  fn.bindTable('PEOPLE_TABLE', stores.peopleTable, { actions: ['GetItem', 'Query', 'PutItem', 'DeleteItem'] });
}

/** Task tokens: who writes them reads none, and one function alone reads them. */
export function bindTaskTokens(fn: PlatformFunction, stores: Stores, access: 'write' | 'read and remove'): void {
  const actions: readonly TableAction[] = access === 'write' ? ['PutItem'] : ['GetItem', 'DeleteItem'];
  fn.bindTable('TOKENS_TABLE', stores.tokensTable, { actions });
}

/** `WaitingStates`: the output that a state is told is encrypted with the key of its machine. */
export function bindWaitingStates(fn: PlatformFunction, { stage, dataKey }: { stage: string; dataKey: Key }): void {
  fn.allowOnPattern(['states:SendTaskSuccess'], statesArn(fn, 'stateMachine', `wflo-${stage}-*`), LATER).useKeyThrough(
    'states',
    dataKey,
    ['kms:Decrypt', 'kms:GenerateDataKey'],
  );
}

/** `FunctionCaller` for one other function of the platform. */
export function bindFunction(
  fn: PlatformFunction,
  variable: 'RESUME_FUNCTION' | 'RECONCILE_FUNCTION',
  called: PlatformFunction,
): void {
  fn.setEnvironment(variable, called.functionName).allow(['lambda:InvokeFunction'], [called.functionArn]);
}

/** `BlobStore` for values; small ones are items of the State table. */
export function bindBlobs(fn: PlatformFunction, stores: Stores, access: 'read' | 'read and write'): void {
  fn.bindBucket('ARTEFACT_BUCKET', stores.artefacts, {
    read: ['blobs/'],
    ...(access === 'read' ? {} : { write: ['blobs/'] }),
  });
}

/** What a function does with the ledger; each is what one group of methods of `Ledger` and `Budgets` calls. */
export type LedgerUse =
  /** `reserve`; `settle` is what it needs besides. Checks the lease of a call in the State table. */
  | 'reserve'
  /** `settle`, `release`, `unsettle`, `renew`, `getHold`. */
  | 'settle'
  /** `openExecution`, `raise`, `setTenantLimits` and what they read. */
  | 'open'
  | 'manage'
  /** `raise` alone, of what was granted. */
  | 'raise'
  /** Scopes, holds, entries and totals of one execution, limits and costs of a tenant. */
  | 'read'
  /** `executionScopes` and `unsettledHolds`. */
  | 'browse'
  /** `expiredHolds`. */
  | 'sweep'
  /** `holdsToLookUp`, and `lookUpAgain` with `settle`. */
  | 'look up';

const LEDGER_ACTIONS: { readonly [use in LedgerUse]: readonly TableAction[] } = {
  // A scope that is used for the first time is put, while its limits are checked.
  reserve: ['GetItem', 'PutItem', 'UpdateItem', 'ConditionCheckItem'],
  settle: ['GetItem', 'PutItem', 'UpdateItem'],
  open: ['GetItem', 'PutItem', 'UpdateItem', 'ConditionCheckItem'],
  manage: ['GetItem', 'PutItem', 'UpdateItem', 'ConditionCheckItem'],
  raise: ['GetItem', 'PutItem', 'UpdateItem'],
  read: ['GetItem', 'Query'],
  browse: ['BatchGetItem'],
  sweep: [],
  'look up': [],
};

/** `Ledger` and `Budgets`, as far as they are used. */
export function bindLedger(fn: PlatformFunction, stores: Stores, uses: readonly LedgerUse[]): void {
  const actions = [...new Set(uses.flatMap((use) => LEDGER_ACTIONS[use]))];
  const indexes = [
    ...(uses.includes('browse') || uses.includes('sweep') ? ['byHold'] : []),
    ...(uses.includes('look up') ? ['byRecord'] : []),
  ];
  fn.bindTable('LEDGER_TABLE', stores.ledgerTable, { actions, indexes });
  setRetention(fn, stores);
  if (uses.includes('reserve')) {
    fn.bindTable('STATE_TABLE', stores.stateTable, { actions: ['ConditionCheckItem'] });
  } else {
    // Its store wants to know where leases are, also where none is checked.
    fn.setEnvironment('STATE_TABLE', stores.stateTable.tableName);
  }
}

/** `Announcements`: the marker, the event and its count in one transaction. */
export function bindAnnouncements(fn: PlatformFunction, stores: Stores): void {
  fn.bindTable('LEDGER_TABLE', stores.ledgerTable, { actions: ['PutItem'] })
    .bindTable('STATE_TABLE', stores.stateTable, { actions: ['UpdateItem'] })
    .bindTable('EVENTS_TABLE', stores.eventsTable, { actions: ['PutItem'] });
  setRetention(fn, stores);
}

/** What a runner uploaded before it completed: its `outcome.json`, and the objects that this names. */
export function bindOutcomes(fn: PlatformFunction, stores: Stores): void {
  fn.bindBucket('ARTEFACT_BUCKET', stores.artefacts, { read: ['uploads/', 'workspaces/'] });
}

/** `AuditStore.append`, `OutboxStore.markPublished` and the bus. */
export function bindRelay(fn: PlatformFunction, stores: Stores): void {
  fn.bindTable('EVENTS_TABLE', stores.eventsTable, { actions: ['UpdateItem'] })
    .bindTable('AUDIT_TABLE', stores.auditTable, { actions: ['GetItem', 'Query', 'PutItem'] })
    .setEnvironment('EVENT_BUS', stores.eventBus.ref)
    .allow(['events:PutEvents'], [stores.eventBus.attrArn]);
}

/** `SandboxTasks` of our cluster; `describe` alone, or also to find and to stop. */
export function bindTasks(fn: PlatformFunction, cluster: ICluster, access: 'describe' | 'find and stop'): void {
  const { clusterName, clusterArn } = cluster;
  const tasks = Stack.of(fn).formatArn({ service: 'ecs', resource: 'task', resourceName: `${clusterName}/*` });
  const actions = access === 'describe' ? ['ecs:DescribeTasks'] : ['ecs:DescribeTasks', 'ecs:StopTask'];
  fn.setEnvironment('SANDBOX_CLUSTER', clusterName).allowOnPattern(actions, tasks, 'ECS makes up the ids of tasks');
  if (access === 'describe') return;
  fn.allowOnAny(['ecs:ListTasks'], 'ListTasks knows container instances only; the condition names our cluster', {
    ArnEquals: { 'ecs:cluster': clusterArn },
  });
}

const LATER = 'workflows are deployed after the platform; the machines of a stage begin with its prefix';

/** `StateMachines` for existing executions. What is encrypted with the data key is read through Step Functions only. */
export function bindExecutions(
  fn: PlatformFunction,
  {
    stage,
    dataKey,
    actions,
  }: { stage: string; dataKey: Key; actions: readonly ('DescribeExecution' | 'StopExecution')[] },
): void {
  const executions = statesArn(fn, 'execution', `wflo-${stage}-*`);
  fn.allowOnPattern(
    actions.map((action) => `states:${action}`),
    executions,
    LATER,
  ).useKeyThrough('states', dataKey, ['kms:Decrypt']);
}

/** `Workflows`, beside the records, and starting them. */
export function bindWorkflows(fn: PlatformFunction, stage: string): void {
  fn.allowOnPattern(
    ['states:StartExecution', 'states:DescribeStateMachine'],
    statesArn(fn, 'stateMachine', `wflo-${stage}-*`),
    LATER,
  );
}

/** `StepLogs`: one stream per attempt. */
export function bindStepLogs(fn: PlatformFunction, logGroup: LogGroup, access: 'read' | 'write'): void {
  const actions = access === 'read' ? ['logs:FilterLogEvents'] : ['logs:CreateLogStream', 'logs:PutLogEvents'];
  fn.setEnvironment('SANDBOX_LOG_GROUP', logGroup.logGroupName).allowOnLogGroup(actions, logGroup);
}

/** `ProviderRecords` of Bedrock: the log of model invocations, which the owner of the account has set up. */
export function bindBedrockLog(fn: PlatformFunction, logGroupName: string): void {
  const logGroup = Stack.of(fn).formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: `${logGroupName}:*`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  fn.setEnvironment('BEDROCK_LOG_GROUP', logGroupName).allowOnPattern(
    ['logs:FilterLogEvents'],
    logGroup,
    'the ARN of a log group stands for its streams; it ends in :*',
  );
}

export function statesArn(fn: PlatformFunction, resource: 'execution' | 'stateMachine', name: string): string {
  return Stack.of(fn).formatArn({
    service: 'states',
    resource,
    resourceName: name,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

/**
 * `ProviderRecords` of OpenAI and Anthropic: the admin keys of their usage reports, which no other function may read, and
 * all tenants, whose settled calls a report has in one sum.
 */
export function bindUsageReports(fn: PlatformFunction, stores: Stores, stage: string): void {
  fn.allowOnPattern(
    ['secretsmanager:GetSecretValue'],
    secretsArn(fn, `wflo/${stage}/usage/*`),
    'people store the admin keys, and Secrets Manager ends the name of a secret with letters of its own',
  ).useKeyThrough('secretsmanager', stores.dataKey, ['kms:Decrypt']);
  fn.bindTable('PEOPLE_TABLE', stores.peopleTable, { actions: ['Scan'] });
}

function secretsArn(fn: PlatformFunction, name: string): string {
  return Stack.of(fn).formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName: name,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

/** `ProviderKeys`: the secrets of the providers, which no other function may read, and Bedrock by the role itself. */
export function bindProviders(fn: PlatformFunction, { stage, dataKey }: { stage: string; dataKey: Key }): void {
  fn.allowOnPattern(
    ['secretsmanager:GetSecretValue'],
    secretsArn(fn, `wflo/${stage}/providers/*`),
    'people store the keys of providers, and Secrets Manager ends the name of a secret with letters of its own',
  ).useKeyThrough('secretsmanager', dataKey, ['kms:Decrypt']);
  const { partition, account } = Stack.of(fn);
  const models = [
    `arn:${partition}:bedrock:*::foundation-model/*`,
    `arn:${partition}:bedrock:*:${account}:inference-profile/*`,
    `arn:${partition}:bedrock:*:${account}:application-inference-profile/*`,
  ];
  for (const model of models) {
    fn.allowOnPattern(
      ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'],
      model,
      'which models are called, the price book and the steps say; a profile leads to models of several regions',
    );
  }
}
