import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, Tags, Validations } from 'aws-cdk-lib';
import { readDeployment } from '../lib/constructs/deployment/deployment.ts';
import { ReasonedChecks } from '../lib/constructs/nag/reasoned-checks.ts';
import { imageRepositoryArns } from '../lib/constructs/sandbox-images/sandbox-images.ts';
import { buildFunctions, platformEntries } from '../lib/project/build-functions.ts';
import { DataStack } from '../lib/stacks/data-stack.ts';
import { NetworkStack } from '../lib/stacks/network-stack.ts';
import { PlatformStack } from '../lib/stacks/platform-stack.ts';

const projectDir = fileURLToPath(new URL('..', import.meta.url));
const functionsDir = join(projectDir, 'build', 'functions');

const app = new App();
const deployment = readDeployment(app.node);
buildFunctions(projectDir, functionsDir, platformEntries(projectDir));

const { stage } = deployment;
const data = new DataStack(app, `WfloData-${stage}`, { deployment });
const network = new NetworkStack(app, `WfloNetwork-${stage}`, {
  deployment,
  data,
  repositoryArns: (stack) => imageRepositoryArns(stack, deployment),
});
const platform = new PlatformStack(app, `WfloPlatform-${stage}`, { deployment, data, network, functionsDir });
Tags.of(app).add('wflo:stage', stage);
Validations.of(app).addPlugins(new ReasonedChecks(app));
app.synth();
