import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { WorkflowResources } from '../../../../lib/constructs/agent-workflow/workflow-resources.ts';

const resources: WorkflowResources = (scope, { dataKey, stepFunction }) => {
  const acts = new Table(scope, 'Acts', {
    partitionKey: { name: 'id', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    encryption: TableEncryption.CUSTOMER_MANAGED,
    encryptionKey: dataKey,
    // Functions of open executions write to it when the workflow is gone.
    removalPolicy: RemovalPolicy.RETAIN,
  });
  stepFunction('act').bindTable('ACTS_TABLE', acts, { actions: ['GetItem'] });
};

export default resources;
