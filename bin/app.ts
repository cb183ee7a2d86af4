import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, Aspects, Tags, Validations } from 'aws-cdk-lib';
import { readDeployment } from '../lib/constructs/deployment/deployment.ts';
import { ReasonedChecks } from '../lib/constructs/nag/reasoned-checks.ts';
import { imageRepositoryArns } from '../lib/constructs/sandbox-images/sandbox-images.ts';
import { LeaveOutTypes } from '../lib/constructs/unsupported-types/leave-out-types.ts';
import { UNSUPPORTED_TYPES } from '../lib/local-cloud/unsupported-types.ts';
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
// The rules judge what goes to AWS; what the local AWS lacks would be a finding there.
if (deployment.endpoint === undefined) Validations.of(app).addPlugins(new ReasonedChecks(app));
else Aspects.of(app).add(new LeaveOutTypes(UNSUPPORTED_TYPES));
app.synth();
