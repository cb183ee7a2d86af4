import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { WorkflowResources } from '../../../../lib/constructs/agent-workflow/workflow-resources.ts';

/** The table of what was done, and what the step may do with it. */
export function acts(action: 'PutItem' | 'GetItem'): WorkflowResources {
  return (scope, { dataKey, stepFunction }) => {
    const table = new Table(scope, 'Acts', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: dataKey,
      // Functions of open executions write to it when the workflow is gone.
      removalPolicy: RemovalPolicy.RETAIN,
    });
    stepFunction('act').bindTable('ACTS_TABLE', table, { actions: [action] });
  };
}
