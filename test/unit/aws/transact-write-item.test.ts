import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { documentClient } from '../../../lib/aws/document-client.ts';
import { transactWriteItem } from '../../../lib/aws/transact-write-item.ts';

const TableName = 'ledger';

it('says what the document client says', async () => {
  const sent: unknown[] = [];
  const client = new DynamoDBClient({ region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
  client.middlewareStack.add(
    () => async (args) => {
      sent.push(JSON.parse((args.request as { body: string }).body).TransactItems[0]);
      return { response: undefined, output: { $metadata: {} } };
    },
    { step: 'build' },
  );
  const document = documentClient(client);
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.string(),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, min: -1e9, max: 1e9 }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 3 }),
    ),
  }));
  const record = fc.dictionary(fc.string({ minLength: 1 }), fc.oneof(value, fc.constant(undefined)), { maxKeys: 4 });
  await fc.assert(
    fc.asyncProperty(record, record, async (Item, values) => {
      for (const write of [
        { Put: { TableName, Item, ConditionExpression: 'attribute_not_exists(pk)' } },
        { Update: { TableName, Key: Item, UpdateExpression: 'SET a = :a', ExpressionAttributeValues: values } },
        { ConditionCheck: { TableName, Key: Item, ConditionExpression: 'a = :a', ExpressionAttributeValues: values } },
      ]) {
        sent.length = 0;
        await document.send(new TransactWriteCommand({ TransactItems: [write as never] }));
        const plain = transactWriteItem(write as never);
        expect(JSON.parse(JSON.stringify(plain))).toEqual(JSON.parse(JSON.stringify(sent[0])));
      }
    }),
    { numRuns: 100 },
  );
});

it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER + 1, 1n])('refuses %s', (value) => {
  const write = { Put: { TableName, Item: { pk: 'a', nested: { value } } } };
  expect(() => transactWriteItem(write as never)).toThrow(TypeError);
});
