import type { ItemKey } from './state-keys.ts';
import { storable } from './storable.ts';
import type { TransactItem } from './tenant-chain-item.ts';

/**
 * A change of one item in which many calls are counted. Changes of the same item by several calls can be made as one:
 * that is what is written down here, and only then put into the words of DynamoDB.
 */
export interface Counting {
  readonly table: string;
  readonly key: ItemKey;
  /** What is added to each number. */
  readonly add: Readonly<Record<string, number>>;
  /** What is written as it is; of several changes the last. */
  readonly set?: Readonly<Record<string, unknown>>;
  /** What is written where the item does not have it. */
  readonly first?: Readonly<Record<string, unknown>>;
  /** Without it the change makes the item where there is none. */
  readonly exists?: true;
  /** What the item must say. */
  readonly says?: Readonly<Record<string, string | number>>;
  /** Money that is taken, by the number that says what remains. */
  readonly takes?: Readonly<Record<string, Take>>;
  /** Numbers that are counted up to a bound. */
  readonly counts?: Readonly<Record<string, Count>>;
}

interface Take {
  /** The name of the limit. Without one, everything that can still be counted may be taken. */
  readonly limit: string;
  readonly amount: number;
}

interface Count {
  readonly more: number;
  /** At most, with what is added. */
  readonly most: number;
}

/**
 * Both changes as one, or undefined where that cannot be: they want the item to say different things, or the sums
 * cannot be counted any more. Both hold where the one does; that neither need hold where it does not is known to the
 * caller, who then makes them one by one.
 */
export function joined(a: Counting, b: Counting): Counting | undefined {
  const says = { ...a.says, ...b.says };
  if (Object.entries(a.says ?? {}).some(([name, value]) => says[name] !== value)) return undefined;
  const takes = { ...a.takes };
  for (const [name, { limit, amount }] of Object.entries(b.takes ?? {})) {
    takes[name] = { limit, amount: amount + (takes[name]?.amount ?? 0) };
  }
  const counts = { ...a.counts };
  for (const [name, { more, most }] of Object.entries(b.counts ?? {})) {
    const before = counts[name];
    counts[name] = { more: more + (before?.more ?? 0), most: Math.min(most, before?.most ?? most) };
  }
  const add = { ...a.add };
  for (const [name, number] of Object.entries(b.add)) add[name] = number + (add[name] ?? 0);
  const numbers = [...Object.values(add), ...Object.values(takes).map(({ amount }) => amount)];
  if (!numbers.every(Number.isSafeInteger)) return undefined;
  return {
    table: a.table,
    key: a.key,
    add,
    set: { ...a.set, ...b.set },
    first: { ...b.first, ...a.first },
    ...(a.exists === true || b.exists === true ? { exists: true } : {}),
    says,
    takes,
    counts,
  };
}

/** The change in the words of DynamoDB; a failed condition tells what was there. */
export function countingItem({
  table: TableName,
  key: Key,
  add,
  set = {},
  first = {},
  exists,
  says = {},
  takes = {},
  counts = {},
}: Counting): TransactItem {
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const named = (name: string) => {
    names[`#${name}`] = name;
    return `#${name}`;
  };
  const valued = (name: string, value: unknown) => {
    values[`:${name}`] = value;
    return `:${name}`;
  };

  const additions = Object.entries(add).map(([name, number]) => `${named(name)} ${valued(name, number)}`);
  const settings = [
    ...Object.entries(set).map(([name, value]) => `${named(name)} = ${valued(name, storable(value))}`),
    ...Object.entries(first).map(
      ([name, value]) => `${named(name)} = if_not_exists(${named(name)}, ${valued(name, storable(value))})`,
    ),
  ];
  // Conditions cannot calculate: that is why what remains is stored, and why bounds are calculated here.
  const conditions = [
    ...(exists === true ? ['attribute_exists(pk)'] : []),
    ...Object.entries(says).map(([name, value]) => `${named(name)} = ${valued(`${name}Said`, value)}`),
    ...Object.entries(takes).map(([name, { limit, amount }]) => {
      const enough = `${named(name)} >= ${valued(`${name}Taken`, amount)}`;
      const countable = `${named(name)} >= ${valued(`${name}Least`, amount - Number.MAX_SAFE_INTEGER)}`;
      return `(${enough} OR (attribute_not_exists(${named(limit)}) AND ${countable}))`;
    }),
    ...Object.entries(counts).map(([name, { more, most }]) => {
      const bounded = `${named(name)} <= ${valued(`${name}Before`, most - more)}`;
      // The first one has nothing to be compared with.
      return more <= most ? `(attribute_not_exists(${named(name)}) OR ${bounded})` : bounded;
    }),
  ];
  const condition =
    conditions.length === 0
      ? {}
      : {
          ConditionExpression: conditions.join(' AND '),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
        };
  const expressions = {
    ...condition,
    ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
    ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
  };
  const updates = [
    ...(additions.length === 0 ? [] : [`ADD ${additions.join(', ')}`]),
    ...(settings.length === 0 ? [] : [`SET ${settings.join(', ')}`]),
  ];
  if (updates.length === 0) {
    return { ConditionCheck: { TableName, Key, ConditionExpression: 'attribute_exists(pk)', ...expressions } };
  }
  return { Update: { TableName, Key, UpdateExpression: updates.join(' '), ...expressions } };
}
