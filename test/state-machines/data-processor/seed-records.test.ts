import type { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import type { StoredRecord } from '../../../state-machines/data-processor/data/record.ts';
import records from '../../../state-machines/data-processor/data/records.json' with { type: 'json' };
import { type BatchWriter, seedRecords } from '../../../state-machines/data-processor/functions/seed-records.ts';

type Requests = NonNullable<NonNullable<BatchWriteCommand['input']['RequestItems']>[string]>;

/** A table that takes at most `capacity` records of a call, and hands the rest back. */
function table(capacity: number) {
  const items = new Map<unknown, unknown>();
  const calls: number[] = [];
  const waits: number[] = [];
  const writer: BatchWriter = {
    send: async ({ input }) => {
      const requests: Requests = input.RequestItems?.records ?? [];
      calls.push(requests.length);
      for (const { PutRequest } of requests.slice(0, capacity)) items.set(PutRequest?.Item?.id, PutRequest?.Item);
      const rest = requests.slice(capacity);
      return rest.length === 0 ? {} : { UnprocessedItems: { records: rest } };
    },
  };
  const seed = (from: readonly StoredRecord[]) =>
    seedRecords('records', from, writer, async (milliseconds) => {
      waits.push(milliseconds);
    });
  return { items, calls, waits, seed };
}

const all = records as readonly StoredRecord[];

describe('seeding the records table', () => {
  it('puts every record, 25 a call', async () => {
    const { items, calls, waits, seed } = table(25);
    await seed(all);
    expect(items.size).toBe(3000);
    expect(items.get('cus-00001')).toEqual(all[0]);
    expect(calls).toEqual(Array.from({ length: 120 }, () => 25));
    expect(waits).toEqual([]);
  });

  it('sends again what was not taken, after a pause that grows', async () => {
    const { items, calls, waits, seed } = table(10);
    await seed(all.slice(0, 25));
    expect(items.size).toBe(25);
    expect(calls).toEqual([25, 15, 5]);
    expect(waits).toEqual([200, 400]);
  });

  it('changes nothing when it runs twice', async () => {
    const { items, seed } = table(25);
    await seed(all.slice(0, 30));
    const before = structuredClone([...items]);
    await seed(all.slice(0, 30));
    expect([...items]).toEqual(before);
  });

  it('fails when the table keeps refusing', async () => {
    const { calls, seed } = table(0);
    await expect(seed(all.slice(0, 3))).rejects.toThrow('records did not take 3 records in 8 tries');
    expect(calls).toHaveLength(8);
  });
});
