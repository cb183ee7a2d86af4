import { App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readDeployment } from '../lib/constructs/deployment/deployment.ts';
import { DataStack } from '../lib/stacks/data-stack.ts';

const app = new App();
const deployment = readDeployment(app.node);
new DataStack(app, `WfloData-${deployment.stage}`, { deployment });
Tags.of(app).add('wflo:stage', deployment.stage);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { writeSuppressionsToCloudFormation: true }));
app.synth();
