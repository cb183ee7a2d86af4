import type { Call } from './evaluate.ts';
import { ACCOUNT, arn, type Deployed, REGION } from './literals.ts';
import { assumed, calls, type DeployedStage } from './stage-calls.ts';

interface State {
  readonly Type: string;
  readonly Resource?: string;
  // biome-ignore lint/suspicious/noExplicitAny: parameters of any integration
  readonly Parameters?: any;
  readonly Branches?: readonly Machine[];
}
interface Machine {
  readonly States: Readonly<Record<string, State>>;
}

/** Definitions by name of the workflow, with their placeholders. */
export type Definitions = ReadonlyMap<string, string>;

/** What Step Functions calls in the name of each machine's role, and who decrypts its log. */
export function machineCalls(stage: DeployedStage, definitions: Definitions): Call[] {
  return stage.ofType('AWS::StepFunctions::StateMachine').flatMap((machine) => {
    const because = `state machine ${machine.properties.StateMachineName}`;
    const role = `role:${machine.properties.RoleArn}`;
    const tasks = taskStates(definitionOf(machine, definitions));
    return [
      ...assumed(because, 'states.amazonaws.com', machine.properties.RoleArn, machine.arn),
      ...tasks.flatMap(([at, state]) => taskCalls(stage, because, role, state).map((call) => ({ ...call, at }))),
      ...loggingCalls(because, role, machine),
      ...tracingCalls(because, role, machine),
      ...keyCalls(because, role, machine),
    ];
  });
}

function definitionOf({ properties }: Deployed, definitions: Definitions): Machine {
  const [, text] = [...definitions].find(([name]) => properties.StateMachineName.endsWith(`-${name}`)) ?? [];
  if (text === undefined) throw new Error(`no definition of ${properties.StateMachineName}`);
  const values: Readonly<Record<string, string>> = properties.DefinitionSubstitutions;
  return JSON.parse(text.replace(/\$\{([A-Za-z0-9_]+)\}/g, (_, name: string) => values[name] ?? ''));
}

function taskStates(machine: Machine): (readonly [string, State])[] {
  return Object.entries(machine.States).flatMap(([name, state]) => [
    ...(state.Type === 'Task' ? [[name, state] as const] : []),
    ...(state.Branches ?? []).flatMap(taskStates),
  ]);
}

function taskCalls(stage: DeployedStage, because: string, role: string, { Resource, Parameters }: State): Call[] {
  switch (Resource) {
    // https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html: the same for both.
    case 'arn:aws:states:::lambda:invoke':
    case 'arn:aws:states:::lambda:invoke.waitForTaskToken':
      return calls(because, role, ['lambda:InvokeFunction'], Parameters.FunctionName);
    case 'arn:aws:states:::ecs:runTask.sync':
      return runTaskCalls(stage, because, role, Parameters);
    default:
      throw new Error(`${because}: what ${Resource} needs is not known here`);
  }
}

/**
 * https://docs.aws.amazon.com/step-functions/latest/dg/ecs-iam.html ("Run a Job (.sync)"); for PassRole
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/CWE_IAM_role.html, which says so of whoever runs tasks.
 */
function runTaskCalls(
  stage: DeployedStage,
  because: string,
  role: string,
  parameters: {
    readonly Cluster: string;
    readonly TaskDefinition: string;
    readonly Tags?: unknown;
    readonly PropagateTags?: unknown;
  },
): Call[] {
  const { properties } = stage.find('AWS::ECS::TaskDefinition', parameters.TaskDefinition);
  if (parameters.Tags !== undefined || parameters.PropagateTags !== undefined) {
    throw new Error(`${because}: tags of a task need ecs:TagResource, which is not derived here`);
  }
  const passed = [properties.ExecutionRoleArn, properties.TaskRoleArn].filter((each) => each !== undefined);
  const cluster = parameters.Cluster.replace(/^.*\//, '');
  // Executions that were open before a deployment name the revision of then.
  const before = parameters.TaskDefinition.replace(/:\d+$/, ':8');
  return [
    ...[parameters.TaskDefinition, before].flatMap((each) => calls(because, role, ['ecs:RunTask'], each)),
    ...passed.flatMap((each) =>
      calls(because, role, ['iam:PassRole'], each, { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' }),
    ),
    ...calls(because, role, ['ecs:StopTask', 'ecs:DescribeTasks'], arn('ecs', `task/${cluster}/id`)),
    ...calls(
      because,
      role,
      ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
      arn('events', 'rule/StepFunctionsGetEventsForECSTaskRule'),
    ),
  ];
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html ("IAM Policies for logging to CloudWatch Logs"). */
function loggingCalls(because: string, role: string, { properties }: Deployed): Call[] {
  if (!logs(properties)) return [];
  const actions = [
    'CreateLogDelivery',
    'GetLogDelivery',
    'UpdateLogDelivery',
    'DeleteLogDelivery',
    'ListLogDeliveries',
    'PutResourcePolicy',
    'DescribeResourcePolicies',
    'DescribeLogGroups',
  ];
  return calls(
    `${because}, log`,
    role,
    actions.map((action) => `logs:${action}`),
    '*',
  );
}

function logs(properties: Deployed['properties']): boolean {
  return (properties.LoggingConfiguration?.Destinations ?? []).length > 0;
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/concepts-xray-tracing.html */
function tracingCalls(because: string, role: string, { properties }: Deployed): Call[] {
  if (properties.TracingConfiguration?.Enabled !== true) return [];
  const actions = ['PutTraceSegments', 'PutTelemetryRecords', 'GetSamplingRules', 'GetSamplingTargets'];
  return calls(
    `${because}, traces`,
    role,
    actions.map((action) => `xray:${action}`),
    '*',
  );
}

/**
 * https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html: the role uses the key under the context
 * of its machine; with a log it also makes data keys for the delivery, which `delivery.logs.amazonaws.com` opens.
 */
function keyCalls(because: string, role: string, machine: Deployed): Call[] {
  const key = machine.properties.EncryptionConfiguration?.KmsKeyId;
  if (key === undefined) return [];
  const own = { 'kms:EncryptionContext:aws:states:stateMachineArn': machine.arn };
  const delivery = { 'kms:EncryptionContext:SourceArn': `arn:aws:logs:${REGION}:${ACCOUNT}:*` };
  return [
    ...calls(`${because}, own data`, role, ['kms:Decrypt', 'kms:GenerateDataKey'], key, own),
    ...(logs(machine.properties)
      ? [
          ...calls(`${because}, log`, role, ['kms:GenerateDataKey'], key, delivery),
          ...calls(`${because}, log`, 'service:delivery.logs.amazonaws.com', ['kms:Decrypt'], key, delivery),
        ]
      : []),
  ];
}
