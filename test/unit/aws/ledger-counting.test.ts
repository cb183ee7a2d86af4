import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Counting, countingItem, joined } from '../../../lib/aws/ledger-counting.ts';

const BASE = { table: 'Ledger', key: { pk: 'TENANT#acme', sk: 'WINDOWS' } };

/** What a change needs, in plain numbers. */
function holds({ says = {}, takes = {}, counts = {} }: Counting, item: Readonly<Record<string, number>>): boolean {
  return (
    Object.entries(says).every(([name, value]) => item[name] === value) &&
    Object.entries(takes).every(
      ([name, { limit, amount }]) => item[limit] === undefined || (item[name] ?? 0) >= amount,
    ) &&
    Object.entries(counts).every(([name, { more, most }]) => (item[name] ?? 0) + more <= most)
  );
}

function applied({ add }: Counting, item: Readonly<Record<string, number>>): Record<string, number> {
  const after = { ...item };
  for (const [name, number] of Object.entries(add)) after[name] = (after[name] ?? 0) + number;
  return after;
}

const aCall: fc.Arbitrary<Counting> = fc.record({ amount: fc.nat(50), most: fc.integer({ min: 0, max: 5 }) }).map(
  ({ amount, most }): Counting => ({
    ...BASE,
    add: { remaining: -amount, held: amount, calling: 1 },
    says: { period: 7 },
    takes: { remaining: { limit: 'limit', amount } },
    counts: { calling: { more: 1, most } },
  }),
);
const anEnd: fc.Arbitrary<Counting> = fc.record({ amount: fc.nat(50), unspent: fc.nat(50) }).map(
  ({ amount, unspent }): Counting => ({
    ...BASE,
    add: { remaining: unspent, held: -amount, calling: -1 },
    says: { period: 7 },
  }),
);

describe('changes of one item', () => {
  it('that are made as one would have been let through one by one as well, and leave the same', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(aCall, anEnd), { minLength: 2, maxLength: 8 }),
        fc.record({ remaining: fc.nat(200), limited: fc.boolean(), calling: fc.nat(3), period: fc.constantFrom(6, 7) }),
        (changes, { remaining, limited, calling, period }) => {
          const item: Record<string, number> = {
            remaining,
            calling,
            period,
            held: 0,
            ...(limited ? { limit: 200 } : {}),
          };
          const [first, ...more] = changes as [Counting, ...Counting[]];
          const sum = more.reduce<Counting | undefined>((all, each) => all && joined(all, each), first);
          if (sum === undefined || !holds(sum, item)) return;
          // In the worst order, which is with all that gives back at the end.
          const inOrder = changes.toSorted((a, b) => (a.add.remaining ?? 0) - (b.add.remaining ?? 0));
          let after: Record<string, number> = item;
          for (const each of inOrder) {
            expect(holds(each, after)).toBe(true);
            after = applied(each, after);
          }
          expect(applied(sum, item)).toEqual(after);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('are not made as one where they want the item to say different things', () => {
    const yesterday: Counting = { ...BASE, add: { held: 1 }, says: { day0Period: '2026-11-26' } };
    const today: Counting = { ...BASE, add: { held: 1 }, says: { day1Period: '2026-11-27' } };
    expect(joined(yesterday, today)?.says).toEqual({ day0Period: '2026-11-26', day1Period: '2026-11-27' });
    expect(joined(today, { ...today, says: { day1Period: '2026-11-29' } })).toBeUndefined();
  });

  it('are not made as one where the sum cannot be counted', () => {
    const most: Counting = { ...BASE, add: { held: Number.MAX_SAFE_INTEGER } };
    expect(joined(most, { ...BASE, add: { held: 1 } })).toBeUndefined();
    expect(joined(most, { ...BASE, add: { held: -1 } })?.add).toEqual({ held: Number.MAX_SAFE_INTEGER - 1 });
  });

  it('keep what the first writes only where nothing is, and what the last writes as it is', () => {
    const one: Counting = { ...BASE, add: {}, set: { forgetAt: 1 }, first: { row: 'one' } };
    const two: Counting = { ...BASE, add: {}, set: { forgetAt: 2 }, first: { row: 'two' }, exists: true };
    expect(joined(one, two)).toMatchObject({ set: { forgetAt: 2 }, first: { row: 'one' }, exists: true });
  });
});

describe('a change in the words of DynamoDB', () => {
  it('adds, writes, and takes what is left or, without a limit, what can be counted', () => {
    const item = countingItem({
      ...BASE,
      exists: true,
      add: { remaining: -5 },
      set: { forgetAt: 9 },
      first: { row: { day: '2026-11-27' } },
      takes: { remaining: { limit: 'limit', amount: 5 } },
    });
    expect(item.Update).toMatchObject({
      UpdateExpression: 'ADD #remaining :remaining SET #forgetAt = :forgetAt, #row = if_not_exists(#row, :row)',
      ConditionExpression:
        'attribute_exists(pk) AND (#remaining >= :remainingTaken OR (attribute_not_exists(#limit) AND #remaining >= :remainingLeast))',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      ExpressionAttributeValues: {
        ':remaining': -5,
        ':remainingTaken': 5,
        ':remainingLeast': 5 - Number.MAX_SAFE_INTEGER,
        ':row': { day: '2026-11-27' },
      },
    });
  });

  it('lets the first one through a bound that it keeps, and nobody through a bound of nothing', () => {
    const bounded = (more: number, most: number) =>
      countingItem({ ...BASE, add: { requests: more }, counts: { requests: { more, most } } }).Update;
    expect(bounded(2, 3)?.ConditionExpression).toBe(
      '(attribute_not_exists(#requests) OR #requests <= :requestsBefore)',
    );
    expect(bounded(2, 3)?.ExpressionAttributeValues).toMatchObject({ ':requestsBefore': 1 });
    expect(bounded(1, 0)?.ConditionExpression).toBe('#requests <= :requestsBefore');
  });

  it('is a look at the item where nothing is changed', () => {
    const { ConditionCheck, Update } = countingItem({ ...BASE, add: {}, says: { status: 'claimed', epoch: 3 } });
    expect(Update).toBeUndefined();
    expect(ConditionCheck?.ConditionExpression).toBe('#status = :statusSaid AND #epoch = :epochSaid');
  });
});
