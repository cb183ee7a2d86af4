import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Ids } from '../ports.ts';
import { type Counting, countingItem, joined } from './ledger-counting.ts';
import type { LedgerWrite } from './ledger-transactions.ts';
import { type Failed, isOurMistake, writeLedger } from './ledger-writes.ts';
import type { RetryOptions } from './retry-conflicts.ts';
import type { TransactItem } from './tenant-chain-item.ts';

/** DynamoDB takes so many items in one transaction. */
const MAX_ITEMS = 100;

/** Undefined when all is written, else for each of the items and then each of the countings whether its condition failed. */
export type Written = readonly (Failed | undefined)[] | undefined;

interface Waiting {
  readonly write: LedgerWrite;
  readonly resolve: (written: Written) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes of one lane are made one after the other, and those that come while one is under way are made together, as one
 * transaction. All calls of a tenant change its windows, so that DynamoDB would let them through one by one anyway, and
 * turn most of them away at first. Together they are as safe as alone: conditions of the sum are those of each. Where the
 * sum is refused nothing is written, and each is tried alone, so that who is refused is refused by what is true then.
 */
export function ledgerLanes(
  client: DynamoDBDocumentClient,
  ids: Ids,
  retry: RetryOptions | undefined,
): (lane: string, write: LedgerWrite) => Promise<Written> {
  /** Who waits for the write of a lane that is under way. */
  const lanes = new Map<string, Waiting[]>();

  async function run(lane: string, waiting: Waiting[]): Promise<void> {
    for (;;) {
      const together = takeTogether(waiting);
      if (together === undefined) break;
      if (!(await writeTogether(together))) for (const each of together.members) await writeAlone(each);
    }
    lanes.delete(lane);
  }

  /** False where it has to be tried one by one. */
  async function writeTogether({ members, items }: Together): Promise<boolean> {
    if (members.length === 1) return false;
    try {
      if ((await writeLedger(client, items(), ids.next(), retry)) !== undefined) return false;
      for (const { resolve } of members) resolve(undefined);
    } catch (error) {
      if (isOurMistake(error)) return false;
      for (const { reject } of members) reject(error);
    }
    return true;
  }

  async function writeAlone({ write, resolve, reject }: Waiting): Promise<void> {
    await writeLedger(client, [...write.items, ...write.countings.map(countingItem)], ids.next(), retry).then(
      resolve,
      reject,
    );
  }

  return (lane, write) =>
    new Promise((resolve, reject) => {
      const mine = { write, resolve, reject };
      const waiting = lanes.get(lane);
      if (waiting !== undefined) {
        waiting.push(mine);
        return;
      }
      const first = [mine];
      lanes.set(lane, first);
      void run(lane, first);
    });
}

interface Together {
  readonly members: readonly Waiting[];
  items(): readonly TransactItem[];
}

/** Takes as many from the front as one transaction can hold. Undefined when nobody waits. */
function takeTogether(waiting: Waiting[]): Together | undefined {
  const members: Waiting[] = [];
  const own: TransactItem[] = [];
  const ownKeys = new Set<string>();
  let countings = new Map<string, Counting>();
  for (const each of waiting) {
    const keys = each.write.items.map(keyOf);
    const more = withCountings(countings, each.write.countings);
    const fits = more !== undefined && own.length + keys.length + more.size <= MAX_ITEMS;
    if (members.length > 0 && !(fits && keys.every((key) => !ownKeys.has(key)))) break;
    members.push(each);
    own.push(...each.write.items);
    for (const key of keys) ownKeys.add(key);
    if (more === undefined) break;
    countings = more;
  }
  waiting.splice(0, members.length);
  if (members.length === 0) return undefined;
  return { members, items: () => [...own, ...[...countings.values()].map(countingItem)] };
}

function withCountings(
  before: ReadonlyMap<string, Counting>,
  more: readonly Counting[],
): Map<string, Counting> | undefined {
  const all = new Map(before);
  for (const counting of more) {
    const key = nameOf(counting.table, counting.key);
    const there = all.get(key);
    const sum = there === undefined ? counting : joined(there, counting);
    if (sum === undefined) return undefined;
    all.set(key, sum);
  }
  return all;
}

function keyOf({ Put, Update }: TransactItem): string {
  if (Put?.Item !== undefined) return nameOf(Put.TableName, { pk: Put.Item.pk, sk: Put.Item.sk });
  return nameOf(Update?.TableName, { pk: Update?.Key?.pk, sk: Update?.Key?.sk });
}

function nameOf(table: string | undefined, { pk, sk }: { readonly pk: unknown; readonly sk: unknown }): string {
  return JSON.stringify([table, pk, sk]);
}
