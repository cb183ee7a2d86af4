import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { StepFunctionEvent } from '../../../lib/index.ts';

export interface DeletionRequest {
  readonly ids: readonly string[];
  /** Day (`2026-10-31`): what was used on it or later is not old. */
  readonly cutoff: string;
}

export interface Deletion {
  readonly deleted: number;
  /** Ids that were approved and are still there: somebody has used them, or put a hold on them, since the plan. */
  readonly kept: readonly string[];
}

/** The part of the document client that the deletion needs. */
export interface Deleter {
  send(command: DeleteCommand): Promise<unknown>;
}

/** So many calls at a time: a table on demand takes thousands a second, and a function has ten minutes. */
const AT_ONCE = 20;

/**
 * Deletes the named records and no others, each only while it is still old and free. One that is gone already counts as
 * deleted, so that a repeat ends in the same.
 */
export async function deleteRecords(table: string, request: DeletionRequest, deleter: Deleter): Promise<Deletion> {
  const ids = [...new Set(request.ids)];
  const kept: string[] = [];
  const next = ids[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (const id of next) if (!(await deleteRecord(table, id, request.cutoff, deleter))) kept.push(id);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { deleted: ids.length - kept.length, kept: kept.sort() };
}

async function deleteRecord(table: string, id: string, cutoff: string, deleter: Deleter): Promise<boolean> {
  try {
    await deleter.send(
      new DeleteCommand({
        TableName: table,
        Key: { id },
        ConditionExpression: 'attribute_not_exists(id) OR (lastAccessedAt < :cutoff AND legalHold = :free)',
        ExpressionAttributeValues: { ':cutoff': cutoff, ':free': false },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return false;
    throw error;
  }
}

export async function handler({ input }: StepFunctionEvent<DeletionRequest>): Promise<Deletion> {
  const table = process.env.RECORDS_TABLE;
  if (table === undefined || table === '') throw new Error('RECORDS_TABLE is not set');
  return deleteRecords(table, input, client);
}

const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
