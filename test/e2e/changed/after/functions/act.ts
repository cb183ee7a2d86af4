import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import type { StepFunctionEvent } from '../../../../../lib/index.ts';

const client = new DynamoDBClient({});

/** Only reads. */
export async function handler({ input }: StepFunctionEvent<{ id: string }>): Promise<{ by: string }> {
  await client.send(new GetItemCommand({ TableName: process.env.ACTS_TABLE, Key: { id: { S: input.id } } }));
  return { by: 'after' };
}
