import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { dynamoTaskTokenWriter } from '../../../lib/aws/dynamo-task-tokens.ts';
import { FakeClock } from '../../_helpers/fakes/fake-clock.ts';
import { scriptedAws } from '../../_helpers/scripted-aws.ts';

it('a token is put without being read, and expires after every state that could wait for it', async () => {
  const { settings, requests } = scriptedAws(() => ({}));
  const clock = new FakeClock();
  const writer = dynamoTaskTokenWriter({ client: new DynamoDBClient(settings), tokensTable: 'tokens', clock });
  await writer.put('report:one:crew.write:1', 'secret', clock.now());
  expect(requests.map(({ operation }) => operation)).toEqual(['PutItem']);
  expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
    TableName: 'tokens',
    Item: {
      pk: { S: 'EXEC#report:one' },
      sk: { S: 'APPROVAL#crew.write:1' },
      token: { S: 'secret' },
      askedAt: { S: clock.now().toISOString() },
      expiresAt: { N: String(Math.floor(clock.now().getTime() / 1000) + 400 * 24 * 3600) },
    },
    ConditionExpression: 'attribute_not_exists(askedAt) OR askedAt <= :askedAt',
    ExpressionAttributeValues: { ':askedAt': { S: clock.now().toISOString() } },
  });
});
