import { randomBytes } from 'node:crypto';
import {
  type AttributeDefinition,
  CreateTableCommand,
  DeleteTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  type KeySchemaElement,
} from '@aws-sdk/client-dynamodb';
import {
  AUDIT_TABLE,
  EVENTS_TABLE,
  LEDGER_TABLE,
  STATE_TABLE,
  type TableSchema,
  TOKENS_TABLE,
} from '../../lib/aws/table-schemas.ts';

export interface TestTables {
  readonly stateTable: string;
  readonly eventsTable: string;
  readonly auditTable: string;
  readonly tokensTable: string;
  readonly ledgerTable: string;
  remove(): Promise<void>;
}

/** Tables of the deployed shape under names of their own. */
export async function createTables(client: DynamoDBClient): Promise<TestTables> {
  const suffix = randomBytes(4).toString('hex');
  const names = {
    stateTable: `state-${suffix}`,
    eventsTable: `events-${suffix}`,
    auditTable: `audit-${suffix}`,
    tokensTable: `tokens-${suffix}`,
    ledgerTable: `ledger-${suffix}`,
  };
  await createTable(client, names.stateTable, STATE_TABLE);
  await createTable(client, names.eventsTable, EVENTS_TABLE);
  await createTable(client, names.auditTable, AUDIT_TABLE);
  await createTable(client, names.tokensTable, TOKENS_TABLE);
  await createTable(client, names.ledgerTable, LEDGER_TABLE);
  return {
    ...names,
    async remove() {
      for (const TableName of Object.values(names)) await client.send(new DeleteTableCommand({ TableName }));
    },
  };
}

/** What the META item of a chain counts, read past every port. */
export async function eventsOfChain(client: DynamoDBClient, stateTable: string, chainId: string): Promise<number> {
  const { Item } = await client.send(
    new GetItemCommand({
      TableName: stateTable,
      Key: { pk: { S: `EXEC#${chainId}` }, sk: { S: 'META' } },
      ConsistentRead: true,
    }),
  );
  return Number(Item?.eventCount?.N ?? 0);
}

export async function createTable(client: DynamoDBClient, TableName: string, schema: TableSchema): Promise<void> {
  const attributes = new Set([schema, ...schema.indexes].flatMap((keys) => [keys.partitionKey, keys.sortKey]));
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [...attributes].map(
        (AttributeName): AttributeDefinition => ({ AttributeName, AttributeType: 'S' }),
      ),
      KeySchema: keySchema(schema),
      ...(schema.indexes.length === 0
        ? {}
        : {
            GlobalSecondaryIndexes: schema.indexes.map((index) => ({
              IndexName: index.name,
              KeySchema: keySchema(index),
              Projection: { ProjectionType: 'ALL' as const },
            })),
          }),
    }),
  );
}

function keySchema(keys: { readonly partitionKey: string; readonly sortKey: string }): KeySchemaElement[] {
  return [
    { AttributeName: keys.partitionKey, KeyType: 'HASH' },
    { AttributeName: keys.sortKey, KeyType: 'RANGE' },
  ];
}
