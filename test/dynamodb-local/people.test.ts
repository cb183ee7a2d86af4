import { randomBytes } from 'node:crypto';
import { DeleteTableCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll } from 'vitest';
import { documentClient, queryItems } from '../../lib/aws/document-client.ts';
import { dynamoPeopleStore } from '../../lib/aws/dynamo-people-store.ts';
import { outboxItemOf } from '../../lib/aws/outbox-items.ts';
import { PEOPLE_TABLE } from '../../lib/aws/people-table.ts';
import { partitionOf } from '../../lib/aws/state-keys.ts';
import { ulidIds } from '../../lib/aws/ulid-ids.ts';
import { tenantChain } from '../../lib/people/tenant-chain.ts';
import { describePeopleStoreContract } from '../_helpers/contracts/people-store.ts';
import { createTable, createTables } from '../_helpers/create-tables.ts';
import { type DynamoDbLocal, startDynamoDbLocal } from '../_helpers/dynamodb-local.ts';
import { FakeClock } from '../_helpers/fakes/fake-clock.ts';

let engine: DynamoDbLocal;
beforeAll(async () => {
  engine = await startDynamoDbLocal();
});
afterAll(() => engine.stop());

describePeopleStoreContract('DynamoDB Local', async () => {
  const { client } = engine;
  const tables = await createTables(client);
  const peopleTable = `people-${randomBytes(4).toString('hex')}`;
  await createTable(client, peopleTable, PEOPLE_TABLE);
  const clock = new FakeClock();
  return {
    store: dynamoPeopleStore({ client, ...tables, peopleTable, clock, ids: ulidIds(clock) }),
    async events(tenant) {
      const rows = queryItems(documentClient(client), {
        TableName: tables.eventsTable,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': partitionOf(tenantChain(tenant).executionId) },
      });
      const items = [];
      for await (const row of rows) items.push(outboxItemOf(row));
      return items.flatMap((item) => item.events);
    },
    async close() {
      await client.send(new DeleteTableCommand({ TableName: peopleTable }));
      await tables.remove();
    },
  };
});
