import {
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { TableSchema } from '../../aws/table-schemas.ts';
import type { Deployment } from '../deployment/deployment.ts';
import { isDisposable, protectedRemovalPolicy } from '../deployment/deployment.ts';

export interface RecordTableProps {
  readonly deployment: Deployment;
  readonly schema: TableSchema;
  readonly key: IKey;
}

/** A table of records that are the truth about executions: on demand, customer key, point-in-time recovery. */
export class RecordTable extends Table {
  constructor(scope: Construct, id: string, { deployment, schema, key }: RecordTableProps) {
    super(scope, id, {
      partitionKey: text(schema.partitionKey),
      sortKey: text(schema.sortKey),
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: key,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: !isDisposable(deployment),
      removalPolicy: protectedRemovalPolicy(deployment),
      ...(schema.timeToLive === undefined ? {} : { timeToLiveAttribute: schema.timeToLive }),
      ...(schema.stream === undefined ? {} : { stream: StreamViewType[schema.stream] }),
    });
    for (const index of schema.indexes) {
      this.addGlobalSecondaryIndex({
        indexName: index.name,
        partitionKey: text(index.partitionKey),
        sortKey: text(index.sortKey),
        projectionType: ProjectionType.ALL,
      });
    }
  }
}

function text(name: string): { name: string; type: AttributeType } {
  return { name, type: AttributeType.STRING };
}
