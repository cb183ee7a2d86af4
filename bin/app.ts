import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, Validations } from 'aws-cdk-lib';
import { loadWorkflowResources } from '../lib/constructs/agent-workflow/load-resources.ts';
import { readDeployment } from '../lib/constructs/deployment/deployment.ts';
import { prepareForLocalAws } from '../lib/constructs/local-target/prepare-for-local-aws.ts';
import { ReasonedChecks } from '../lib/constructs/nag/reasoned-checks.ts';
import { buildFunctions, platformEntries } from '../lib/project/build-functions.ts';
import { workflowEntries } from '../lib/project/workflow-functions.ts';
import { loadWorkflows } from '../lib/project/workflows.ts';
import { addStageStacks } from '../lib/stacks/stage-stacks.ts';
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

addStageStacks(app, deployment, {
  workflows,
  resources: await loadWorkflowResources(workflows),
  functionsDir,
  imageContexts: deployment.images === 'assets' ? await buildSandboxContext(join(buildDir, 'sandbox-images')) : {},
  buildDir,
});

// The rules judge what goes to AWS; what the local AWS lacks would be a finding there.
if (deployment.endpoint === undefined) Validations.of(app).addPlugins(new ReasonedChecks(app));
else prepareForLocalAws(app);
app.synth();
