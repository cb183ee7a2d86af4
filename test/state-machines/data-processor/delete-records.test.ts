import type { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { type Deleter, deleteRecords } from '../../../state-machines/data-processor/functions/delete-records.ts';

/** A table that decides the condition of a deletion as DynamoDB does. */
class Table implements Deleter {
  readonly items: Map<string, { lastAccessedAt: string; legalHold: boolean }>;
  readonly calls: string[] = [];
  failure: Error | undefined;
  atOnce = 0;
  mostAtOnce = 0;

  constructor(items: { readonly [id: string]: { lastAccessedAt: string; legalHold: boolean } }) {
    this.items = new Map(Object.entries(items));
  }

  async send({ input }: DeleteCommand): Promise<unknown> {
    this.atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    await Promise.resolve();
    this.atOnce -= 1;
    if (this.failure !== undefined) throw this.failure;
    expect(input.ConditionExpression).toBe(
      'attribute_not_exists(id) OR (lastAccessedAt < :cutoff AND legalHold = :free)',
    );
    const id = String(input.Key?.id);
    this.calls.push(id);
    const item = this.items.get(id);
    const { ':cutoff': cutoff, ':free': free } = input.ExpressionAttributeValues ?? {};
    if (item !== undefined && !(item.lastAccessedAt < cutoff && item.legalHold === free)) {
      throw Object.assign(new Error('no'), { name: 'ConditionalCheckFailedException' });
    }
    this.items.delete(id);
    return {};
  }
}

const old = { lastAccessedAt: '2025-01-31T10:00:00.000Z', legalHold: false };

describe('the deletion', () => {
  it('takes exactly the named records', async () => {
    const table = new Table({ a: old, b: old, c: old });
    expect(await deleteRecords('records', { ids: ['a', 'c'], cutoff: '2025-02-01' }, table)).toEqual({
      deleted: 2,
      kept: [],
    });
    expect([...table.items.keys()]).toEqual(['b']);
  });

  it('leaves what was used, or held, since the plan, and says so', async () => {
    const table = new Table({
      used: { ...old, lastAccessedAt: '2025-02-01T00:00:00.000Z' },
      held: { ...old, legalHold: true },
      old,
    });
    const ids = ['used', 'old', 'held'];
    expect(await deleteRecords('records', { ids, cutoff: '2025-02-01' }, table)).toEqual({
      deleted: 1,
      kept: ['held', 'used'],
    });
  });

  it('ends in the same when it is repeated, and asks once for an id that comes twice', async () => {
    const table = new Table({ a: old });
    const request = { ids: ['a', 'a', 'gone'], cutoff: '2025-02-01' };
    const first = await deleteRecords('records', request, table);
    expect(await deleteRecords('records', request, table)).toEqual(first);
    expect(first).toEqual({ deleted: 2, kept: [] });
    expect(table.calls).toEqual(['a', 'gone', 'a', 'gone']);
  });

  it('goes over thousands with a bounded number of calls at a time', async () => {
    const ids = Array.from({ length: 2000 }, (_, n) => `id-${n}`);
    const table = new Table(Object.fromEntries(ids.map((id) => [id, old])));
    expect((await deleteRecords('records', { ids, cutoff: '2025-02-01' }, table)).deleted).toBe(2000);
    expect(table.items.size).toBe(0);
    expect(table.mostAtOnce).toBeLessThanOrEqual(20);
  });

  it('fails where the table does', async () => {
    const table = new Table({ a: old });
    table.failure = new Error('throttled');
    await expect(deleteRecords('records', { ids: ['a'], cutoff: '2025-02-01' }, table)).rejects.toThrow('throttled');
  });
});
