import { readFile } from 'node:fs/promises';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { localClientSettings } from '../../lib/local-cloud/local-clients.ts';
import type { LocalState } from '../../lib/local-cloud/local-state.ts';

interface StoredRecord {
  readonly id: string;
}

/** Limit of BatchWriteItem. */
const BATCH = 25;

/** The table of data-processor, looked at from outside: with the keys of the account's root, and no code of Wflo. */
export class RecordsTable {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;

  private constructor(client: DynamoDBDocumentClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  static async open(state: LocalState): Promise<RecordsTable> {
    const dynamo = new DynamoDBClient(localClientSettings(state, state.credentials.admin));
    const { TableNames = [] } = await dynamo.send(new ListTablesCommand({}));
    const table = TableNames.find((name) => /dataprocessor.*Records/i.test(name));
    if (table === undefined) throw new Error(`no records table among ${TableNames.join(', ')}`);
    return new RecordsTable(DynamoDBDocumentClient.from(dynamo), table);
  }

  async ids(): Promise<ReadonlySet<string>> {
    const ids = new Set<string>();
    for await (const page of paginateScan(
      { client: this.#client },
      { TableName: this.#table, ProjectionExpression: 'id' },
    )) {
      for (const item of page.Items ?? []) ids.add(String(item.id));
    }
    return ids;
  }

  /** Puts back what earlier demos deleted, so that each begins alike. */
  async restore(): Promise<void> {
    const file = new URL('../../state-machines/data-processor/data/records.json', import.meta.url);
    const records = JSON.parse(await readFile(file, 'utf8')) as readonly StoredRecord[];
    const there = await this.ids();
    const missing = records.filter(({ id }) => !there.has(id));
    for (let from = 0; from < missing.length; from += BATCH) {
      const puts = missing.slice(from, from + BATCH).map((Item) => ({ PutRequest: { Item: { ...Item } } }));
      await this.#client.send(new BatchWriteCommand({ RequestItems: { [this.#table]: puts } }));
    }
  }

  close(): void {
    this.#client.destroy();
  }
}
