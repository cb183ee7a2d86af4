import type { ScanCommand, ScanCommandInput } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import records from '../../../state-machines/data-processor/data/records.json' with { type: 'json' };
import {
  exportRecords,
  handler,
  type Scanner,
} from '../../../state-machines/data-processor/functions/export-records.ts';

/** A table that gives its items in pages. */
function tableOf(items: readonly object[], pageSize: number): Scanner & { readonly inputs: ScanCommandInput[] } {
  const inputs: ScanCommandInput[] = [];
  return {
    inputs,
    async send(command: ScanCommand) {
      inputs.push(command.input);
      const from = Number(command.input.ExclusiveStartKey?.id ?? 0);
      const to = from + pageSize;
      return {
        Items: items.slice(from, to).map((item) => ({ ...item })),
        ...(to < items.length ? { LastEvaluatedKey: { id: String(to) } } : {}),
      };
    },
  };
}

describe('export-records', () => {
  it('reads every page, and sorts by id', async () => {
    const table = tableOf([...records].reverse(), 700);
    const exported = await exportRecords('records', table);
    expect(table.inputs).toHaveLength(5);
    expect(table.inputs.every((input) => input.TableName === 'records')).toBe(true);
    expect(exported).toEqual({ count: records.length, records: [...records].sort((a, b) => (a.id < b.id ? -1 : 1)) });
  });

  it('asks for and hands on no other fields', async () => {
    const table = tableOf([{ ...records[0], email: 'somebody@example.com' }], 10);
    const exported = await exportRecords('records', table);
    expect(JSON.stringify(exported)).not.toContain('example.com');
    expect(table.inputs[0]?.ProjectionExpression).not.toContain('email');
  });

  it('answers an empty table with no records', async () => {
    expect(await exportRecords('records', tableOf([], 10))).toEqual({ count: 0, records: [] });
  });

  it('refuses to answer with more than a function may', async () => {
    const item = { ...records[0], owner: 'x'.repeat(1024 * 1024) };
    await expect(exportRecords('records', tableOf(Array(6).fill(item), 10))).rejects.toThrow(
      /records exports to \d+ bytes/,
    );
  });

  it('needs the name of the table', async () => {
    const event = { input: {}, idempotencyKey: 'k', executionId: 'e', stepPath: 's', attempt: 1 };
    await expect(handler(event)).rejects.toThrow('RECORDS_TABLE');
  });
});
