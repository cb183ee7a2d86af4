import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { StepFunctionEvent } from '../../../../../lib/index.ts';

const client = new DynamoDBClient({});

/** Writes, which only the role of this version may. */
export async function handler({ input }: StepFunctionEvent<{ id: string }>): Promise<{ by: string }> {
  await client.send(
    new PutItemCommand({ TableName: process.env.ACTS_TABLE, Item: { id: { S: input.id }, by: { S: 'before' } } }),
  );
  return { by: 'before' };
}
