import { join } from 'node:path';
import { ArnFormat, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { isFunctionVersion } from '../compiler/check-steps.ts';
import { AgentWorkflow, type PlatformPlaceholders } from '../constructs/agent-workflow/agent-workflow.ts';
import { joined } from '../constructs/agent-workflow/placeholders.ts';
import type { WorkflowResources } from '../constructs/agent-workflow/workflow-resources.ts';
import { CodeArchives } from '../constructs/code-archives/code-archives.ts';
import type { Deployment } from '../constructs/deployment/deployment.ts';
import { bindBlobs, bindExecutionStore, bindPeople } from '../constructs/platform-function/grants.ts';
import { PlatformFunction } from '../constructs/platform-function/platform-function.ts';
import { SandboxImages } from '../constructs/sandbox-images/sandbox-images.ts';
import { SandboxTasks } from '../constructs/sandbox-task/sandbox-tasks.ts';
import type { LoadedWorkflow } from '../project/workflows.ts';
import type { DataStack } from './data-stack.ts';
import type { NetworkStack } from './network-stack.ts';
import type { PlatformStack } from './platform-stack.ts';

export interface WorkflowsStackProps extends StackProps {
  readonly deployment: Deployment;
  readonly data: DataStack;
  readonly network: NetworkStack;
  readonly platform: PlatformStack;
  readonly workflows: readonly LoadedWorkflow[];
  /** Default exports of the workflows' `resources.ts`, by workflow. */
  readonly resources: ReadonlyMap<string, WorkflowResources>;
  readonly functionsDir: string;
  /** Docker build contexts by image; empty where images are named. */
  readonly imageContexts: Readonly<Record<string, string>>;
  /** Where definitions and archives are written to. */
  readonly buildDir: string;
}

/** Every workflow of `state-machines/`, and the one function that may call its step functions. */
export class WorkflowsStack extends Stack {
  readonly invokeStep: PlatformFunction;
  readonly copyCode: PlatformFunction;
  readonly registerWorkflow: PlatformFunction;
  readonly images: SandboxImages;
  readonly workflows: readonly AgentWorkflow[];

  constructor(scope: Construct, id: string, props: WorkflowsStackProps) {
    super(scope, id, props);
    const { deployment, data, platform, workflows, functionsDir, buildDir } = props;
    const { dataKey, telemetryKey } = data;

    this.invokeStep = new PlatformFunction(this, 'InvokeStep', {
      deployment,
      name: 'invoke-step',
      description: 'Claims an attempt of a lambda step and invokes its frozen version',
      codeFolder: join(functionsDir, 'lambdas', 'invoke-step'),
      // It waits for the step's function, which may run for as long as a function can.
      timeout: Duration.minutes(15),
      telemetryKey,
    });
    bindExecutionStore(this.invokeStep, data);
    bindBlobs(this.invokeStep, data, 'read and write');
    bindPeople(this.invokeStep, data);

    this.copyCode = new PlatformFunction(this, 'CopyCode', {
      deployment,
      name: 'copy-code',
      description: 'Copies code archives into the artefact bucket by hash, at deployment',
      codeFolder: join(functionsDir, 'lambdas', 'copy-code'),
      timeout: Duration.minutes(2),
      telemetryKey,
      memoryMib: 1024,
    });
    this.copyCode.bindBucket('ARTEFACT_BUCKET', data.artefacts, { write: ['code/'] });

    this.registerWorkflow = new PlatformFunction(this, 'RegisterWorkflow', {
      deployment,
      name: 'register-workflow',
      description: 'Tells which workflows can be started, at deployment',
      codeFolder: join(functionsDir, 'lambdas', 'register-workflow'),
      timeout: Duration.minutes(2),
      telemetryKey,
    });
    this.registerWorkflow.bindTable('STATE_TABLE', data.stateTable, { actions: ['PutItem'] });

    this.images = new SandboxImages(this, 'Images', { deployment, contexts: props.imageContexts });
    // CDK's own classes do not fit its interfaces under `exactOptionalPropertyTypes`.
    const executionRole = platform.runtime.executionRole as IRole;
    const tasks = new SandboxTasks(this, 'Sandboxes', { deployment, images: this.images, executionRole });
    const archives = new CodeArchives(this, 'Code', {
      deployment,
      copier: this.copyCode,
      outDir: join(buildDir, 'code'),
    });
    const placeholders = this.placeholders(props);
    this.workflows = workflows.map((workflow) => {
      const resources = props.resources.get(workflow.name);
      return new AgentWorkflow(this, `Workflow-${workflow.name}`, {
        deployment,
        workflow,
        platform: placeholders,
        executionRoleArn: executionRole.roleArn,
        dataKey,
        telemetryKey,
        tasks,
        archives,
        registrar: this.registerWorkflow,
        functionsDir,
        definitionsDir: join(buildDir, 'definitions'),
        ...(resources === undefined ? {} : { resources }),
      });
    });
    this.allowInvocations(deployment.stage, workflows);
  }

  /** Only this function invokes step functions: those of open executions too, which the project may have no more. */
  private allowInvocations(stage: string, workflows: readonly LoadedWorkflow[]): void {
    const action = ['lambda:InvokeFunction'];
    this.invokeStep.allowOnPattern(
      action,
      this.formatArn({
        service: 'lambda',
        resource: 'function',
        resourceName: `wflo-${stage}-step-*`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
      'open executions name older versions, and functions of steps that the project has no more',
    );
    const elsewhere = workflows
      .flatMap(({ compiled }) => compiled.functions.map((step) => step.function))
      .filter(isFunctionVersion)
      .map((version) => version.replace(/:[^:]+$/, ':*'));
    for (const versions of new Set(elsewhere)) {
      this.invokeStep.allowOnPattern(action, versions, 'open executions name older versions of the function');
    }
  }

  private placeholders({ deployment, network, platform }: WorkflowsStackProps): PlatformPlaceholders {
    return {
      OpenExecutionFn: platform.openExecution.functionArn,
      PrepareStepFn: platform.prepareStep.functionArn,
      InvokeStepFn: this.invokeStep.functionArn,
      RequestApprovalFn: platform.requestApproval.functionArn,
      ExpireApprovalFn: platform.expireApproval.functionArn,
      FinishStepFn: platform.finishStep.functionArn,
      CloseExecutionFn: platform.closeExecution.functionArn,
      SandboxCluster: platform.runtime.cluster.clusterArn,
      SandboxSubnets: joined(network.network.subnets.map(({ subnetId }) => subnetId)),
      SandboxSecurityGroup: network.network.securityGroup.attrGroupId,
      AssignPublicIp: deployment.network === 'open' ? 'ENABLED' : 'DISABLED',
      SandboxApiUrl: platform.sandboxApi.url,
    };
  }
}
