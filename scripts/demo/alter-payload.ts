import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { localClientSettings } from '../../lib/local-cloud/local-clients.ts';
import type { LocalState } from '../../lib/local-cloud/local-state.ts';

/**
 * What an attacker would do who can write to the stores: lets the frozen payload of a step name one record more. Answers
 * its id.
 */
export async function alterPayload(state: LocalState, executionId: string, stepPath: string): Promise<string> {
  const dynamo = new DynamoDBClient(localClientSettings(state, state.credentials.admin));
  try {
    const { TableNames = [] } = await dynamo.send(new ListTablesCommand({}));
    const TableName = TableNames.find((name) => /-State/.test(name));
    if (TableName === undefined) throw new Error(`no State table among ${TableNames.join(', ')}`);
    const client = DynamoDBDocumentClient.from(dynamo);
    const { Items: [item] = [] } = await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
        ExpressionAttributeValues: { ':pk': `EXEC#${executionId}`, ':sk': `BLOB#payload/${stepPath}/` },
      }),
    );
    if (item === undefined) throw new Error(`no frozen payload of ${stepPath} is stored`);
    const payload = JSON.parse(String(item.text)) as { with: { ids: string[] } };
    const added = 'inv-00001';
    payload.with.ids.push(added);
    await client.send(
      new UpdateCommand({
        TableName,
        Key: { pk: item.pk, sk: item.sk },
        UpdateExpression: 'SET #text = :text',
        ExpressionAttributeNames: { '#text': 'text' },
        ExpressionAttributeValues: { ':text': JSON.stringify(payload) },
      }),
    );
    return added;
  } finally {
    dynamo.destroy();
  }
}
