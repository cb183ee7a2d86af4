import { CustomResource, Duration } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { WorkflowResources } from '../../lib/constructs/agent-workflow/workflow-resources.ts';
import { isDisposable, protectedRemovalPolicy } from '../../lib/constructs/deployment/deployment.ts';
import { seedHash } from './data/seed-hash.ts';

/** The table that the workflow reads and deletes from, filled with the made-up records of `data/`. */
const resources: WorkflowResources = (scope, { deployment, dataKey, stepFunction, setupFunction }) => {
  const records = new Table(scope, 'Records', {
    partitionKey: { name: 'id', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    encryption: TableEncryption.CUSTOMER_MANAGED,
    encryptionKey: dataKey,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: !isDisposable(deployment),
    removalPolicy: protectedRemovalPolicy(deployment),
  });
  stepFunction('export-records').bindTable('RECORDS_TABLE', records, { actions: ['Scan'] });
  stepFunction('delete-old-records').bindTable('RECORDS_TABLE', records, { actions: ['DeleteItem'] });

  const seed = setupFunction('seed-records', { description: 'Fills the records table', timeoutSeconds: 120 });
  seed.bindTable('RECORDS_TABLE', records, { actions: ['BatchWriteItem'] });
  new CustomResource(scope, 'Seed', {
    resourceType: 'Custom::RecordsSeed',
    serviceToken: seed.functionArn,
    serviceTimeout: Duration.minutes(5),
    // Another hash means other records: only then are they written again.
    properties: { Table: records.tableName, Sha256: seedHash() },
  });
};

export default resources;
