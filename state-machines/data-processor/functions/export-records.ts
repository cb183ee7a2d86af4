import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, ScanCommand, type ScanCommandOutput } from '@aws-sdk/lib-dynamodb';
import type { StepFunctionEvent } from '../../../lib/index.ts';
import type { StoredRecord } from '../data/record.ts';

export interface ExportedRecords {
  readonly count: number;
  /** Sorted by id, so that the same table gives the same export. */
  readonly records: readonly StoredRecord[];
}

/** The part of the document client that the export needs. */
export interface Scanner {
  send(command: ScanCommand): Promise<Pick<ScanCommandOutput, 'Items' | 'LastEvaluatedKey'>>;
}

const FIELDS = ['id', 'kind', 'status', 'owner', 'createdAt', 'lastAccessedAt', 'sizeBytes', 'legalHold'] as const;
/** A function may answer with 6 MB. */
const ANSWER_LIMIT_BYTES = 5.5 * 1024 * 1024;

/** Reads the whole table, page by page. Throws where the answer would be larger than a function may give. */
export async function exportRecords(table: string, scanner: Scanner): Promise<ExportedRecords> {
  const records: StoredRecord[] = [];
  let start: ScanCommandOutput['LastEvaluatedKey'];
  do {
    const page = await scanner.send(
      new ScanCommand({
        TableName: table,
        // Several of the names are reserved words of DynamoDB.
        ProjectionExpression: FIELDS.map((field) => `#${field}`).join(', '),
        ExpressionAttributeNames: Object.fromEntries(FIELDS.map((field) => [`#${field}`, field])),
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      }),
    );
    records.push(...(page.Items ?? []).map(toRecord));
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  const exported = { count: records.length, records: records.sort((a, b) => (a.id < b.id ? -1 : 1)) };
  const bytes = Buffer.byteLength(JSON.stringify(exported));
  if (bytes > ANSWER_LIMIT_BYTES) {
    throw new Error(`${table} exports to ${bytes} bytes, and one step can hand on ${ANSWER_LIMIT_BYTES}`);
  }
  return exported;
}

/** In a fixed order of fields, and without any that the table has besides. */
function toRecord(item: Record<string, unknown>): StoredRecord {
  return Object.fromEntries(FIELDS.map((field) => [field, item[field]])) as unknown as StoredRecord;
}

export async function handler(_event: StepFunctionEvent): Promise<ExportedRecords> {
  const table = process.env.RECORDS_TABLE;
  if (table === undefined || table === '') throw new Error('RECORDS_TABLE is not set');
  return exportRecords(table, client);
}

const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
