import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { WATCHED } from './ledger-items.ts';
import { holdKey } from './ledger-keys.ts';
import { CONFLICT_WAIT_MS } from './ledger-writes.ts';
import { isConditionFailure, type RetryOptions, retryConflicts } from './retry-conflicts.ts';

/** Only an open hold of a call ends by itself, and so has an end that can be moved. */
export async function renewHold(
  client: DynamoDBDocumentClient,
  TableName: string,
  executionId: string,
  holdId: string,
  expiresAt: string,
  retry: RetryOptions | undefined,
): Promise<boolean> {
  try {
    const update = new UpdateCommand({
      TableName,
      Key: holdKey(executionId, holdId),
      UpdateExpression: 'SET expiresAt = :expiresAt, holdOrder = :expiresAt',
      ConditionExpression: '#state = :open AND attribute_exists(expiresAt)',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: { ':open': 'open', ':expiresAt': expiresAt },
    });
    await retryConflicts(() => client.send(update), { totalWaitMs: CONFLICT_WAIT_MS, ...retry });
    return true;
  } catch (error) {
    if (isConditionFailure(error)) return false;
    throw error;
  }
}

/** No longer watched: that its cost is not known was told when that began. */
export async function lookUpAgain(
  client: DynamoDBDocumentClient,
  TableName: string,
  executionId: string,
  holdId: string,
  at: string | undefined,
  retry: RetryOptions | undefined,
): Promise<boolean> {
  try {
    const update = new UpdateCommand({
      TableName,
      Key: holdKey(executionId, holdId),
      UpdateExpression:
        at === undefined ? 'REMOVE recordList, recordAt, #watched' : 'SET recordAt = :at REMOVE #watched',
      // One that nobody looks up any more stays so.
      ConditionExpression: '#state = :unsettled AND attribute_exists(recordList)',
      ExpressionAttributeNames: { '#state': 'state', '#watched': WATCHED },
      ExpressionAttributeValues: { ':unsettled': 'unsettled', ...(at === undefined ? {} : { ':at': at }) },
    });
    await retryConflicts(() => client.send(update), { totalWaitMs: CONFLICT_WAIT_MS, ...retry });
    return true;
  } catch (error) {
    if (isConditionFailure(error)) return false;
    throw error;
  }
}
