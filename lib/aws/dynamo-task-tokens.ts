import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Clock, TaskTokenReader, TaskTokenWriter } from '../ports.ts';
import { documentClient } from './document-client.ts';
import { isConditionFailure } from './retry-conflicts.ts';
import { approvalKey } from './state-keys.ts';

/** An execution of Step Functions lasts a year at most; after that its tokens are of no use to anybody. */
export const KEEP_SECONDS = 400 * 24 * 3600;

export interface DynamoTaskTokensOptions {
  readonly client: DynamoDBClient;
  readonly tokensTable: string;
}

/** Puts alone, so that a function which writes tokens needs no right to read one. */
export function dynamoTaskTokenWriter(options: DynamoTaskTokensOptions & { readonly clock: Clock }): TaskTokenWriter {
  const client = documentClient(options.client);
  return {
    async put(approvalId, token, askedAt) {
      const expiresAt = Math.floor(options.clock.now().getTime() / 1000) + KEEP_SECONDS;
      const put = new PutCommand({
        TableName: options.tokensTable,
        Item: { ...approvalKey(approvalId), token, askedAt: askedAt.toISOString(), expiresAt },
        // Also over one without a time, as an earlier version has put it.
        ConditionExpression: 'attribute_not_exists(askedAt) OR askedAt <= :askedAt',
        ExpressionAttributeValues: { ':askedAt': askedAt.toISOString() },
      });
      try {
        await client.send(put);
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
      }
    },
  };
}

export function dynamoTaskTokenReader(options: DynamoTaskTokensOptions): TaskTokenReader {
  const client = documentClient(options.client);
  const { tokensTable: TableName } = options;
  return {
    async get(approvalId) {
      const Key = approvalKey(approvalId);
      const { Item } = await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }));
      return Item === undefined ? undefined : String(Item.token);
    },
    async remove(approvalId) {
      await client.send(new DeleteCommand({ TableName, Key: approvalKey(approvalId) }));
    },
  };
}
