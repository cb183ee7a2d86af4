import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, type BatchWriteCommandOutput, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { customResource } from '../../../lib/aws/custom-resource.ts';
import type { StoredRecord } from '../data/record.ts';
import records from '../data/records.json' with { type: 'json' };

/** The part of the document client that the seed needs. */
export interface BatchWriter {
  send(command: BatchWriteCommand): Promise<Pick<BatchWriteCommandOutput, 'UnprocessedItems'>>;
}

/** Limit of BatchWriteItem. */
const BATCH = 25;
const MAX_TRIES = 8;

/** Puts every record by its id, so that a repeat changes nothing. Throws when DynamoDB keeps refusing some. */
export async function seedRecords(
  table: string,
  seed: readonly StoredRecord[],
  writer: BatchWriter,
  wait: (milliseconds: number) => Promise<void> = sleep,
): Promise<void> {
  for (let from = 0; from < seed.length; from += BATCH) {
    let requests: Requests = seed.slice(from, from + BATCH).map((Item) => ({ PutRequest: { Item: { ...Item } } }));
    for (let tries = 1; requests.length > 0; tries += 1) {
      if (tries > MAX_TRIES) throw new Error(`${table} did not take ${requests.length} records in ${MAX_TRIES} tries`);
      if (tries > 1) await wait(50 * 2 ** tries);
      const { UnprocessedItems } = await writer.send(new BatchWriteCommand({ RequestItems: { [table]: requests } }));
      requests = UnprocessedItems?.[table] ?? [];
    }
  }
}

type Requests = NonNullable<BatchWriteCommandOutput['UnprocessedItems']>[string];

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));

export const handler = customResource(async (event) => {
  const table = process.env.RECORDS_TABLE;
  if (table === undefined || table === '') throw new Error('RECORDS_TABLE is not set');
  // The table goes with the stack; its records need no deletion of their own.
  if (event.RequestType !== 'Delete') await seedRecords(table, records as readonly StoredRecord[], client);
  return { physicalResourceId: `seed-of-${table}` };
});
