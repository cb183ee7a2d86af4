import { CfnResource } from 'aws-cdk-lib';
import type { WorkflowResources } from '../../../../lib/constructs/agent-workflow/workflow-resources.ts';
import after from '../after/resources.ts';

/** As after, and a queue that cannot be made: the deployment fails when the function has another role, code and version. */
const resources: WorkflowResources = (scope, tools) => {
  after(scope, tools);
  const impossible = new CfnResource(scope, 'Impossible', {
    type: 'AWS::SQS::Queue',
    properties: { QueueName: 'not-fifo.fifo' },
  });
  impossible.node.addDependency(tools.stepFunction('act').function.currentVersion);
};

export default resources;
