import { afterAll, beforeAll } from 'vitest';
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
