import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, Tags, Validations } from 'aws-cdk-lib';
import { loadWorkflowResources } from '../lib/constructs/agent-workflow/load-resources.ts';
import { readDeployment } from '../lib/constructs/deployment/deployment.ts';
import { prepareForLocalAws } from '../lib/constructs/local-target/prepare-for-local-aws.ts';
import { ReasonedChecks } from '../lib/constructs/nag/reasoned-checks.ts';
import { imageRepositoryArns } from '../lib/constructs/sandbox-images/sandbox-images.ts';
import { buildFunctions, platformEntries } from '../lib/project/build-functions.ts';
import { workflowEntries } from '../lib/project/workflow-functions.ts';
import { loadWorkflows } from '../lib/project/workflows.ts';
import { DataStack } from '../lib/stacks/data-stack.ts';
import { NetworkStack } from '../lib/stacks/network-stack.ts';
import { ObservabilityStack } from '../lib/stacks/observability-stack.ts';
import { PlatformStack } from '../lib/stacks/platform-stack.ts';
import { WorkflowsStack } from '../lib/stacks/workflows-stack.ts';
import { buildSandboxContext } from '../sandbox-images/build-context.ts';

/** Workflows are those of the folder that `cdk` runs in; functions and images those of this package. */
const projectDir = process.cwd();
const packageDir = fileURLToPath(new URL('..', import.meta.url));
const buildDir = join(projectDir, 'build');
const functionsDir = join(buildDir, 'functions');

const app = new App();
const deployment = readDeployment(app.node);
const workflows = await loadWorkflows(projectDir);
buildFunctions(packageDir, functionsDir, { ...platformEntries(packageDir), ...workflowEntries(workflows) });

const { stage } = deployment;
const data = new DataStack(app, `WfloData-${stage}`, { deployment });
const network = new NetworkStack(app, `WfloNetwork-${stage}`, {
  deployment,
  data,
  repositoryArns: (stack) => imageRepositoryArns(stack, deployment),
});
const platform = new PlatformStack(app, `WfloPlatform-${stage}`, { deployment, data, network, functionsDir });
const workflowsStack = new WorkflowsStack(app, `WfloWorkflows-${stage}`, {
  deployment,
  data,
  network,
  platform,
  workflows,
  resources: await loadWorkflowResources(workflows),
  functionsDir,
  imageContexts: deployment.images === 'assets' ? await buildSandboxContext(join(buildDir, 'sandbox-images')) : {},
  buildDir,
});
new ObservabilityStack(app, `WfloObservability-${stage}`, { deployment, data, platform, workflows: workflowsStack });

Tags.of(app).add('wflo:stage', stage);
// The rules judge what goes to AWS; what the local AWS lacks would be a finding there.
if (deployment.endpoint === undefined) Validations.of(app).addPlugins(new ReasonedChecks(app));
else prepareForLocalAws(app);
app.synth();
