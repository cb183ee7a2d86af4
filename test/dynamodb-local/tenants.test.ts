import { randomBytes } from 'node:crypto';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { documentClient } from '../../lib/aws/document-client.ts';
import { dynamoPeopleStore } from '../../lib/aws/dynamo-people-store.ts';
import { dynamoTenants } from '../../lib/aws/dynamo-tenants.ts';
import { groupKey, PEOPLE_TABLE } from '../../lib/aws/people-table.ts';
import { ulidIds } from '../../lib/aws/ulid-ids.ts';
import { createTable, createTables } from '../_helpers/create-tables.ts';
import { type DynamoDbLocal, startDynamoDbLocal } from '../_helpers/dynamodb-local.ts';
import { FakeClock } from '../_helpers/fakes/fake-clock.ts';

let engine: DynamoDbLocal;
beforeAll(async () => {
  engine = await startDynamoDbLocal();
});
afterAll(() => engine.stop());

it('all tenants are found, however many people are between them, and the default one where nobody is known', async () => {
  const { client } = engine;
  const peopleTable = `people-${randomBytes(4).toString('hex')}`;
  await createTable(client, peopleTable, PEOPLE_TABLE);
  expect(await dynamoTenants({ client, peopleTable })).toEqual(['default']);

  const clock = new FakeClock();
  const tables = await createTables(client);
  const store = dynamoPeopleStore({ client, ...tables, peopleTable, clock, ids: ulidIds(clock) });
  const first = (name: string) => ({ personId: name, name, identity: `arn:aws:iam::123456789012:user/${name}` });
  const by = { kind: 'system', id: 'test' } as never;
  await store.bootstrap(first('ada'), by);
  await store.createTenant('acme', first('ben'), by);
  await store.createTenant('zeta', first('cy'), by);
  // More than the megabyte of one page.
  const documents = documentClient(client);
  for (let group = 0; group < 12; group++) {
    const Item = { ...groupKey('acme', `g${group}`), filling: 'x'.repeat(100_000) };
    await documents.send(new PutCommand({ TableName: peopleTable, Item }));
  }
  expect([...(await dynamoTenants({ client, peopleTable }))].sort()).toEqual(['acme', 'default', 'zeta']);
});
