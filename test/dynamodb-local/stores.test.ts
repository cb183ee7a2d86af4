import { DeleteItemCommand, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dynamoAuditStore } from '../../lib/aws/dynamo-audit-store.ts';
import { dynamoExecutionStore } from '../../lib/aws/dynamo-execution-store.ts';
import { dynamoOutboxStore } from '../../lib/aws/dynamo-outbox-store.ts';
import { dynamoTaskTokenReader, dynamoTaskTokenWriter } from '../../lib/aws/dynamo-task-tokens.ts';
import { systemClock } from '../../lib/aws/system-clock.ts';
import { ulidIds } from '../../lib/aws/ulid-ids.ts';
import { describeAuditStoreContract } from '../_helpers/contracts/audit-store.ts';
import { describeExecutionStoreContract } from '../_helpers/contracts/execution-store.ts';
import { describeTaskTokensContract } from '../_helpers/contracts/task-tokens.ts';
import { createTables, eventsOfChain } from '../_helpers/create-tables.ts';
import { type DynamoDbLocal, startDynamoDbLocal } from '../_helpers/dynamodb-local.ts';
import { FakeClock } from '../_helpers/fakes/fake-clock.ts';
import { anExecution } from '../_helpers/fakes/records.ts';

let engine: DynamoDbLocal;
beforeAll(async () => {
  engine = await startDynamoDbLocal();
});
afterAll(() => engine.stop());

describeExecutionStoreContract('DynamoDB Local', async (clock) => {
  const { client } = engine;
  const tables = await createTables(client);
  return {
    store: dynamoExecutionStore({ client, ...tables, ids: ulidIds(clock), clock, retentionDays: 400 }),
    outbox: dynamoOutboxStore({ client, ...tables }),
    eventsOfChain: (chainId) => eventsOfChain(client, tables.stateTable, chainId),
    close: tables.remove,
  };
});

describeAuditStoreContract('DynamoDB Local', async () => {
  const { client } = engine;
  const tables = await createTables(client);
  return { store: dynamoAuditStore({ client, ...tables }), close: tables.remove };
});

describeTaskTokensContract('DynamoDB Local', async () => {
  const { client } = engine;
  const tables = await createTables(client);
  return {
    writer: dynamoTaskTokenWriter({ client, ...tables, clock: systemClock }),
    reader: dynamoTaskTokenReader({ client, ...tables }),
    close: tables.remove,
  };
});

it('an execution gets no second one of its name, also when its records have expired', async () => {
  const { client } = engine;
  const tables = await createTables(client);
  const clock = new FakeClock('2026-01-01T00:00:00.000Z');
  const store = dynamoExecutionStore({ client, ...tables, ids: ulidIds(clock), clock, retentionDays: 100 });
  const execution = anExecution();
  const { executionId } = execution;
  const put = () => store.commit({ executionId, changes: [{ item: 'execution', put: execution }], events: [] });
  const meta = { TableName: tables.stateTable, Key: { pk: { S: `EXEC#${executionId}` }, sk: { S: 'META' } } };
  const expiry = async () => Number((await client.send(new GetItemCommand(meta))).Item?.forgetAt?.N);
  const inDays = (days: number) => clock.now().getTime() / 1000 + days * 86_400;

  expect(await put()).toBe(true);
  expect(await expiry()).toBe(inDays(100));
  clock.advance(60 * 86_400);
  await store.commit({ executionId, changes: [{ item: 'execution', set: { status: 'failed' } }], events: [] });
  expect(await expiry()).toBe(inDays(100));
  expect(await store.getExecution(executionId)).toEqual({ ...execution, status: 'failed' });

  // As the time to live does it.
  await client.send(new DeleteItemCommand(meta));
  expect(await store.getExecution(executionId)).toBeUndefined();
  expect(await put()).toBe(false);
  await tables.remove();
});
