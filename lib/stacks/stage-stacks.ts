import type { App } from 'aws-cdk-lib';
import { Tags } from 'aws-cdk-lib';
import type { WorkflowResources } from '../constructs/agent-workflow/workflow-resources.ts';
import { checkTimeouts } from '../constructs/deployment/check-timeouts.ts';
import type { Deployment } from '../constructs/deployment/deployment.ts';
import { checkImages, imageNames } from '../constructs/sandbox-images/custom-images.ts';
import { imageRepositoryArns } from '../constructs/sandbox-images/sandbox-images.ts';
import type { LoadedWorkflow } from '../project/workflows.ts';
import { DataStack } from './data-stack.ts';
import { NetworkStack } from './network-stack.ts';
import { ObservabilityStack } from './observability-stack.ts';
import { PlatformStack } from './platform-stack.ts';
import { WorkflowsStack } from './workflows-stack.ts';

export interface StageInputs {
  readonly workflows: readonly LoadedWorkflow[];
  /** Default exports of the workflows' `resources.ts`, by workflow. */
  readonly resources: ReadonlyMap<string, WorkflowResources>;
  /** Folder of the bundles that `buildFunctions` made. */
  readonly functionsDir: string;
  /** The project's own images, as `readCustomImages` answers them. */
  readonly customImages: Readonly<Record<string, string>>;
  /** Docker build contexts by image; empty where images are named. */
  readonly imageContexts: Readonly<Record<string, string>>;
  /** Where definitions and archives are written to. */
  readonly buildDir: string;
}

export interface StageStacks {
  readonly data: DataStack;
  readonly network: NetworkStack;
  readonly platform: PlatformStack;
  readonly workflows: WorkflowsStack;
  readonly observability: ObservabilityStack;
}

/** The stacks of one stage, from what has state to what only looks on. Throws `unknown_image` and `invalid_settings` before any is made. */
export function addStageStacks(app: App, deployment: Deployment, inputs: StageInputs): StageStacks {
  const { stage } = deployment;
  const { functionsDir } = inputs;
  checkImages(inputs.workflows, imageNames(inputs.customImages));
  checkTimeouts(inputs.workflows, deployment);
  const data = new DataStack(app, `WfloData-${stage}`, { deployment });
  const network = new NetworkStack(app, `WfloNetwork-${stage}`, {
    deployment,
    data,
    repositoryArns: (stack) => imageRepositoryArns(stack, deployment),
  });
  const platform = new PlatformStack(app, `WfloPlatform-${stage}`, { deployment, data, network, functionsDir });
  const workflows = new WorkflowsStack(app, `WfloWorkflows-${stage}`, {
    deployment,
    data,
    network,
    platform,
    ...inputs,
  });
  const observability = new ObservabilityStack(app, `WfloObservability-${stage}`, {
    deployment,
    data,
    platform,
    workflows,
    workflowNames: inputs.workflows.map(({ name }) => name),
    functionsDir,
  });
  Tags.of(app).add('wflo:stage', stage);
  return { data, network, platform, workflows, observability };
}
