import {
  type DynamoDBDocumentClient,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { isConditionFailure, type RetryOptions, retryConflicts } from './retry-conflicts.ts';

/** False, with nothing written, when an expectation does not hold. */
export async function writeTransaction(
  client: DynamoDBDocumentClient,
  input: TransactWriteCommandInput,
  retry: RetryOptions | undefined,
): Promise<boolean> {
  try {
    await retryConflicts(() => client.send(new TransactWriteCommand(input)), retry);
    return true;
  } catch (error) {
    if (isConditionFailure(error)) return false;
    throw error;
  }
}
