import { type CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import {
  DeleteTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  ResourceNotFoundException,
  RestoreTableToPointInTimeCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { documentClient, type Item } from '../../lib/aws/document-client.ts';
import { stackName } from '../../lib/deployment/stack-names.ts';
import { WfloError } from '../../lib/errors.ts';
import { COMPARED } from './restored-records.ts';

export interface StageTables {
  readonly state: string;
  readonly audit: string;
}

/** How long to wait for a table, in seconds: a restore takes from minutes to hours, whatever its size. */
export interface Patience {
  readonly maxWaitTime: number;
  readonly minDelay: number;
  readonly maxDelay: number;
}

/** The tables of a stage by their logical ids, which CDK makes of `State` and `Audit`: their names are made up. */
export async function findTables(client: CloudFormationClient, stage: string): Promise<StageTables> {
  const StackName = stackName('Data', stage);
  const tables = new Map<string, string>();
  for await (const page of paginateListStackResources({ client }, { StackName })) {
    for (const { ResourceType, LogicalResourceId, PhysicalResourceId } of page.StackResourceSummaries ?? []) {
      const name = /^(State|Audit)[0-9A-F]{8}$/.exec(LogicalResourceId ?? '')?.[1];
      if (ResourceType !== 'AWS::DynamoDB::Table' || name === undefined) continue;
      if (PhysicalResourceId !== undefined) tables.set(name, PhysicalResourceId);
    }
  }
  const [state, audit] = [tables.get('State'), tables.get('Audit')];
  if (state !== undefined && audit !== undefined) return { state, audit };
  throw new WfloError('invalid_value', `the stack ${StackName} has no State and no Audit table`, {
    fix: 'give the stage that is deployed, and the region it is deployed in',
  });
}

/** Begins to restore a table as it was. Without its indexes, which nobody reads in a drill and which take the longest. */
export async function beginRestore(
  client: DynamoDBClient,
  source: string,
  target: string,
  at: Date | undefined,
): Promise<Date | undefined> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: source }));
  const key = Table?.SSEDescription?.KMSMasterKeyArn;
  const { TableDescription } = await client.send(
    new RestoreTableToPointInTimeCommand({
      SourceTableName: source,
      TargetTableName: target,
      ...(at === undefined ? { UseLatestRestorableTime: true } : { RestoreDateTime: at }),
      GlobalSecondaryIndexOverride: [],
      ...(key === undefined
        ? {}
        : { SSESpecificationOverride: { Enabled: true, SSEType: 'KMS' as const, KMSMasterKeyId: key } }),
    }),
  );
  return TableDescription?.RestoreSummary?.RestoreDateTime ?? at;
}

export async function untilActive(
  client: DynamoDBClient,
  TableName: string,
  patience: Patience,
  abortSignal?: AbortSignal,
): Promise<void> {
  await waitUntilTableExists(
    { client, ...patience, ...(abortSignal === undefined ? {} : { abortSignal }) },
    { TableName },
  );
}

/** Every item of a table, with the attributes that are compared. */
export async function* scanCompared(client: DynamoDBClient, TableName: string): AsyncGenerator<Item> {
  const documents = documentClient(client);
  const names = Object.fromEntries(COMPARED.map((name) => [`#${name}`, name]));
  let start: Item | undefined;
  do {
    const page = await documents.send(
      new ScanCommand({
        TableName,
        ProjectionExpression: Object.keys(names).join(', '),
        ExpressionAttributeNames: names,
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      }),
    );
    yield* page.Items ?? [];
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
}

/** Whether there was one to delete. DynamoDB deletes no table that is still being restored: that is waited for first. */
export async function deleteRestored(client: DynamoDBClient, TableName: string, patience: Patience): Promise<boolean> {
  try {
    await client.send(new DeleteTableCommand({ TableName }));
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return false;
    if (!(error instanceof ResourceInUseException)) throw error;
    await untilActive(client, TableName, patience);
    await client.send(new DeleteTableCommand({ TableName }));
  }
  return true;
}
