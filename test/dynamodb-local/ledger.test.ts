import { afterAll, beforeAll } from 'vitest';
import { describeLedgerContract } from '../_helpers/contracts/ledger-contract.ts';
import { ledgerOnDynamo } from '../_helpers/contracts/ledger-on-dynamo.ts';
import { type DynamoDbLocal, startDynamoDbLocal } from '../_helpers/dynamodb-local.ts';

let engine: DynamoDbLocal;
beforeAll(async () => {
  engine = await startDynamoDbLocal();
});
afterAll(() => engine.stop());

describeLedgerContract('DynamoDB Local', (clock) => ledgerOnDynamo(engine.client, clock));
