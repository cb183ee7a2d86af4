import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ArnFormat, CustomResource, Duration, Stack, Validations } from 'aws-cdk-lib';
import { Effect, PolicyStatement, type Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { isFunctionVersion } from '../../compiler/check-steps.ts';
import { isCodeEntry } from '../../compiler/code-entry.ts';
import type { FunctionResource } from '../../compiler/compiled.ts';
import { WfloError } from '../../errors.ts';
import { stateMachineName } from '../../execution/identity.ts';
import { agentFolder } from '../../project/build-agents.ts';
import { functionFolder } from '../../project/workflow-functions.ts';
import type { LoadedWorkflow } from '../../project/workflows.ts';
import type { CodeArchives } from '../code-archives/code-archives.ts';
import { type Deployment, logRetention, removalPolicy } from '../deployment/deployment.ts';
import { acknowledgeWildcard } from '../nag/reasoned-checks.ts';
import { PlatformFunction } from '../platform-function/platform-function.ts';
import { RetainedRole } from '../retained-role/retained-role.ts';
import type { SandboxTasks } from '../sandbox-task/sandbox-tasks.ts';
import { functionName } from './function-name.ts';
import { type PlaceholderValues, placeholdersOf, resourcesOf } from './placeholders.ts';
import type { WorkflowResources } from './workflow-resources.ts';

/** Values of the placeholders that are the same for every workflow of a deployment. */
export interface PlatformPlaceholders {
  readonly OpenExecutionFn: string;
  readonly PrepareStepFn: string;
  readonly InvokeStepFn: string;
  readonly RequestApprovalFn: string;
  readonly ExpireApprovalFn: string;
  readonly FinishStepFn: string;
  readonly CloseExecutionFn: string;
  readonly SandboxCluster: string;
  readonly SandboxSubnets: string;
  readonly SandboxSecurityGroup: string;
  readonly AssignPublicIp: 'ENABLED' | 'DISABLED';
  readonly SandboxApiUrl: string;
}

export interface AgentWorkflowProps {
  readonly deployment: Deployment;
  readonly workflow: LoadedWorkflow;
  readonly platform: PlatformPlaceholders;
  readonly executionRoleArn: string;
  readonly dataKey: Key;
  readonly telemetryKey: Key;
  readonly tasks: SandboxTasks;
  readonly archives: CodeArchives;
  /** `register-workflow`, bound to the records. */
  readonly registrar: PlatformFunction;
  /** Folder of the bundles that `buildFunctions` made. */
  readonly functionsDir: string;
  /** Where the definition is written to. */
  readonly definitionsDir: string;
  /** Default export of the workflow's `resources.ts`. @default none */
  readonly resources?: WorkflowResources;
}

const DELIVERY = [
  'logs:CreateLogDelivery',
  'logs:GetLogDelivery',
  'logs:UpdateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:DescribeResourcePolicies',
  'logs:DescribeLogGroups',
];
const TRACING = [
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
];

/**
 * The state machine of a compiled workflow with all that it runs: its step functions, its task definitions and its
 * code. The machine's role can do what the compiler found necessary, and write its log and trace.
 */
export class AgentWorkflow extends Construct {
  readonly stateMachineArn: string;
  readonly role: Role;
  private readonly props: AgentWorkflowProps;
  private readonly stepFunctions = new Map<string, PlatformFunction>();

  constructor(scope: Construct, id: string, props: AgentWorkflowProps) {
    super(scope, id);
    this.props = props;
    const { compiled } = props.workflow;
    const name = stateMachineName(props.deployment.stage, compiled.name);

    for (const step of compiled.functions) {
      if (!isFunctionVersion(step.function)) this.stepFunctions.set(step.path, this.makeStepFunction(step));
    }
    this.makeResources();

    this.stateMachineArn = Stack.of(this).formatArn({
      service: 'states',
      resource: 'stateMachine',
      resourceName: name,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    this.role = new RetainedRole(this, 'Role', {
      deployment: props.deployment,
      description: `State machine ${name}`,
      assumedBy: new ServicePrincipal('states.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': Stack.of(this).account },
          ArnEquals: { 'aws:SourceArn': this.stateMachineArn },
        },
      }),
    });
    const { definition, permitted, copies } = this.resolve();
    this.grantPermissions(permitted);
    const machine = this.makeMachine(name, definition);
    machine.node.addDependency(this.role, ...copies);

    const registration = new CustomResource(this, 'Registration', {
      resourceType: 'Custom::WorkflowRegistration',
      serviceToken: props.registrar.functionArn,
      serviceTimeout: Duration.minutes(5),
      properties: { Workflow: compiled.name, MachineArn: machine.ref },
    });
    registration.node.addDependency(props.registrar.role);

    new StringParameter(this, 'Parameter', {
      parameterName: `/wflo/${props.deployment.stage}/workflows/${compiled.name}`,
      stringValue: machine.ref,
    });
  }

  /** Values of all placeholders, as the definition and as the permissions want them. */
  private resolve(): { definition: Record<string, string>; permitted: PlaceholderValues; copies: Construct[] } {
    const { platform, executionRoleArn, tasks, archives, workflow } = this.props;
    const { compiled } = workflow;
    const definition: Record<string, string> = { ...platform, DefinitionHash: compiled.definitionHash };
    const permitted: Record<string, string[]> = { ExecutionRoles: [executionRoleArn] };
    const copies: Construct[] = [];
    for (const name of [
      'OpenExecutionFn',
      'PrepareStepFn',
      'InvokeStepFn',
      'RequestApprovalFn',
      'ExpireApprovalFn',
      'FinishStepFn',
      'CloseExecutionFn',
    ] as const) {
      permitted[name] = [platform[name]];
    }
    for (const sandbox of compiled.sandboxes) {
      const { revisionArn, familyArn } = tasks.of(sandbox);
      definition[`TaskDefinition_${sandbox.key}`] = revisionArn;
      permitted[`TaskDefinition_${sandbox.key}`] = [familyArn];
      const archive = sandbox.code === undefined ? undefined : archives.add(this.codeFolder(sandbox.code));
      definition[`CodeSha256_${sandbox.key}`] = archive?.sha256 ?? '';
      if (archive !== undefined) copies.push(archive.copy);
    }
    for (const step of compiled.functions) {
      definition[`Function_${step.key}`] =
        this.stepFunctions.get(step.path)?.function.currentVersion.functionArn ?? step.function;
    }
    const used = placeholdersOf(compiled.aslText);
    const missing = used.filter((name) => definition[name] === undefined);
    if (missing.length > 0) {
      throw new WfloError(
        'internal',
        `the definition of ${compiled.name} has unknown placeholders: ${missing.join(', ')}`,
      );
    }
    return { definition: Object.fromEntries(used.map((name) => [name, definition[name] ?? ''])), permitted, copies };
  }

  private codeFolder(code: string): string {
    const { functionsDir, workflow } = this.props;
    return isCodeEntry(code) ? join(functionsDir, agentFolder(workflow.name, code)) : join(workflow.directory, code);
  }

  private grantPermissions(permitted: PlaceholderValues): void {
    const stack = Stack.of(this);
    for (const { actions, resources, conditions, reason } of this.props.workflow.compiled.permissions) {
      const arns = [...new Set(resources.flatMap((resource) => resourcesOf(stack, resource, permitted)))];
      for (const arn of arns) if (arn.endsWith('*')) acknowledgeWildcard(this.role, arn, reason);
      this.allow(actions, arns, conditions);
    }
    this.allow(DELIVERY, ['*']);
    acknowledgeWildcard(this.role, '*', 'log deliveries have no ARNs before they are made');
    this.allow(TRACING, ['*']);
    acknowledgeWildcard(this.role, '*', 'X-Ray has no resources to name for writing traces');
    const key = this.props.dataKey.keyArn;
    this.allow(['kms:Decrypt', 'kms:GenerateDataKey'], [key], {
      StringEquals: { 'kms:EncryptionContext:aws:states:stateMachineArn': this.stateMachineArn },
    });
    this.allow(['kms:GenerateDataKey'], [key], {
      StringEquals: {
        'kms:EncryptionContext:SourceArn': `arn:${stack.partition}:logs:${stack.region}:${stack.account}:*`,
      },
    });
  }

  private allow(actions: readonly string[], resources: readonly string[], conditions?: object): void {
    this.role.addToPolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: [...actions],
        resources: [...resources],
        ...(conditions === undefined ? {} : { conditions: { ...conditions } }),
      }),
    );
  }

  private makeMachine(name: string, definitionSubstitutions: Record<string, string>): CfnStateMachine {
    const { deployment, dataKey, telemetryKey, workflow, definitionsDir } = this.props;
    const file = join(definitionsDir, `${workflow.name}.asl.json`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, workflow.compiled.aslText);
    const definition = new Asset(this, 'Definition', { path: file });
    const log = new LogGroup(this, 'Log', {
      // Groups with this prefix do not count against the size of the account's resource policy for logs.
      logGroupName: `/aws/vendedlogs/states/${name}`,
      retention: logRetention(deployment),
      encryptionKey: telemetryKey,
      removalPolicy: removalPolicy(deployment),
    });
    const machine = new CfnStateMachine(this, 'Machine', {
      stateMachineName: name,
      stateMachineType: 'STANDARD',
      roleArn: this.role.roleArn,
      definitionS3Location: { bucket: definition.s3BucketName, key: definition.s3ObjectKey },
      definitionSubstitutions,
      encryptionConfiguration: {
        type: 'CUSTOMER_MANAGED_KMS_KEY',
        kmsKeyId: dataKey.keyArn,
        kmsDataKeyReusePeriodSeconds: 300,
      },
      loggingConfiguration: {
        level: 'ERROR',
        includeExecutionData: false,
        destinations: [{ cloudWatchLogsLogGroup: { logGroupArn: log.logGroupArn } }],
      },
      tracingConfiguration: { enabled: true },
    });
    machine.applyRemovalPolicy(removalPolicy(deployment));
    Validations.of(machine).acknowledge({
      id: 'AwsSolutions-SF1',
      reason: 'the audit chain holds every step of every execution; the log of the machine is for what went wrong',
    });
    return machine;
  }

  private makeStepFunction(step: FunctionResource): PlatformFunction {
    const { workflow } = this.props;
    return this.makeFunction(`Step-${step.key}`, {
      name: functionName(this.props.deployment.stage, 'step', workflow.name, step.path),
      description: `Step ${step.path} of workflow ${workflow.name}`,
      file: step.function,
      timeoutSeconds: step.timeoutSeconds,
      memoryMib: step.memoryMib,
      namedByExecutions: true,
    });
  }

  private makeFunction(
    id: string,
    options: {
      name: string;
      description: string;
      file: string;
      timeoutSeconds: number;
      memoryMib?: number;
      namedByExecutions?: boolean;
    },
  ): PlatformFunction {
    const { deployment, telemetryKey, functionsDir, workflow } = this.props;
    const { file, timeoutSeconds, ...rest } = options;
    return new PlatformFunction(this, id, {
      ...rest,
      deployment,
      codeFolder: join(functionsDir, functionFolder(workflow.name, file)),
      timeout: Duration.seconds(timeoutSeconds),
      telemetryKey,
    });
  }

  private makeResources(): void {
    const { deployment, dataKey, workflow, resources } = this.props;
    resources?.(new Construct(this, 'Resources'), {
      deployment,
      dataKey,
      stepFunction: (path) => {
        const found = this.stepFunctions.get(path);
        if (found !== undefined) return found;
        throw new WfloError('unknown_reference', `workflow ${workflow.name} has no function for a step "${path}"`, {
          fix: `name one of: ${[...this.stepFunctions.keys()].join(', ')}`,
        });
      },
      setupFunction: (name, options) =>
        this.makeFunction(`Setup-${name}`, {
          name: functionName(deployment.stage, 'setup', workflow.name, name),
          file: `./functions/${name}.ts`,
          ...options,
        }),
    });
  }
}
