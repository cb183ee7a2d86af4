import { TransactionCanceledException, type TransactWriteItemsCommandInput } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { expect, it } from 'vitest';
import { ledgerLanes } from '../../../lib/aws/ledger-lanes.ts';
import type { LedgerWrite } from '../../../lib/aws/ledger-transactions.ts';
import { FakeIds } from '../../_helpers/fakes/fake-ids.ts';

const LEDGER = 'Ledger';

/** A hold of its own, and an amount taken from what all share. */
function call(holdId: string, amount = 1, scope = 'execution'): LedgerWrite {
  return {
    items: [{ Put: { TableName: LEDGER, Item: { pk: 'EXEC#one', sk: `HOLD#${holdId}` } } }],
    countings: [
      {
        table: LEDGER,
        key: { pk: 'EXEC#one', sk: `SCOPE#${scope}` },
        add: { remaining: -amount },
        takes: { remaining: { limit: 'limit', amount } },
      },
    ],
  };
}

/** Answers each transaction when it is told to, in order. */
function lanes() {
  const sent: { items: readonly string[]; taken: string | undefined; answer: (error?: Error) => void }[] = [];
  const arrived: (() => void)[] = [];
  const client = {
    send: ({ input }: { input: TransactWriteItemsCommandInput }) =>
      new Promise<void>((resolve, reject) => {
        const items = (input.TransactItems ?? []).map(
          ({ Put, Update }) => Put?.Item?.sk?.S ?? Update?.Key?.sk?.S ?? '',
        );
        const taken = input.TransactItems?.at(-1)?.Update?.ExpressionAttributeValues?.[':remainingTaken']?.N;
        sent.push({ items, taken, answer: (error) => (error === undefined ? resolve() : reject(error)) });
        arrived.shift()?.();
      }),
  } as unknown as DynamoDBDocumentClient;
  let taken = 0;
  return {
    sent,
    write: ledgerLanes(client, new FakeIds(), { wait: async () => undefined }),
    /** The next transaction that is sent. */
    async next() {
      if (sent.length <= taken) await new Promise<void>((resolve) => arrived.push(resolve));
      const transaction = sent[taken];
      if (transaction === undefined) throw new Error('nothing was sent');
      taken += 1;
      return transaction;
    },
  };
}

/** As DynamoDB says that the condition of these items failed. */
function cancelled(items: readonly string[], failed: (item: string) => boolean): Error {
  return new TransactionCanceledException({
    message: 'cancelled',
    $metadata: {},
    CancellationReasons: items.map((item) =>
      failed(item) ? { Code: 'ConditionalCheckFailed', Item: { sk: { S: item } } } : { Code: 'None' },
    ),
  });
}

it('makes alone what comes alone, and together what came in the meantime', async () => {
  const { write, next, sent } = lanes();
  const results = [write('acme', call('1', 5))];
  const first = await next();
  expect(first.items).toEqual(['HOLD#1', 'SCOPE#execution']);
  results.push(write('acme', call('2', 5)), write('acme', call('3', 7)), write('acme', call('4', 8, 'agent#a')));
  first.answer();
  const second = await next();
  expect(second.items).toEqual(['HOLD#2', 'HOLD#3', 'HOLD#4', 'SCOPE#execution', 'SCOPE#agent#a']);
  second.answer();
  expect(await Promise.all(results)).toEqual([undefined, undefined, undefined, undefined]);
  expect(sent).toHaveLength(2);
});

it('takes the sum of what each takes', async () => {
  const { write, next } = lanes();
  const results = [write('acme', call('1', 5))];
  const first = await next();
  results.push(write('acme', call('2', 5)), write('acme', call('3', 7)));
  first.answer();
  const second = await next();
  expect(second.taken).toBe('12');
  second.answer();
  await Promise.all(results);
});

it('where the sum is refused each is tried alone, and only who is refused then is refused', async () => {
  const { write, next } = lanes();
  const first = write('acme', call('1'));
  const one = await next();
  const second = write('acme', call('2'));
  const third = write('acme', call('3'));
  one.answer();
  const together = await next();
  together.answer(cancelled(together.items, (item) => item === 'SCOPE#execution'));
  const two = await next();
  expect(two.items).toEqual(['HOLD#2', 'SCOPE#execution']);
  two.answer();
  const three = await next();
  expect(three.items).toEqual(['HOLD#3', 'SCOPE#execution']);
  three.answer(cancelled(three.items, (item) => item === 'SCOPE#execution'));
  expect(await first).toBeUndefined();
  expect(await second).toBeUndefined();
  expect(await third).toEqual([undefined, { item: { sk: 'SCOPE#execution' } }]);
});

it('what cannot be reached is told to all of them, and the next one is tried anew', async () => {
  const { write, next } = lanes();
  const first = write('acme', call('1'));
  const one = await next();
  const others = [write('acme', call('2')), write('acme', call('3'))];
  one.answer();
  (await next()).answer(Object.assign(new Error('no answer'), { name: 'TimeoutError' }));
  expect((await Promise.allSettled(others)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const later = write('acme', call('4'));
  (await next()).answer();
  expect(await Promise.all([first, later])).toEqual([undefined, undefined]);
});

it('a write that DynamoDB does not understand fails alone', async () => {
  const { write, next } = lanes();
  const first = write('acme', call('1'));
  const one = await next();
  const good = write('acme', call('2'));
  const bad = write('acme', call('3'));
  one.answer();
  const invalid = Object.assign(new Error('too large'), { name: 'ValidationException' });
  (await next()).answer(invalid);
  (await next()).answer();
  (await next()).answer(invalid);
  expect(await Promise.all([first, good])).toEqual([undefined, undefined]);
  await expect(bad).rejects.toBe(invalid);
});

it('the same hold twice is in two transactions', async () => {
  const { write, next } = lanes();
  const results = [write('acme', call('1'))];
  const first = await next();
  results.push(write('acme', call('2')), write('acme', call('2')), write('acme', call('3')));
  first.answer();
  const second = await next();
  expect(second.items).toEqual(['HOLD#2', 'SCOPE#execution']);
  second.answer();
  const third = await next();
  expect(third.items).toEqual(['HOLD#2', 'HOLD#3', 'SCOPE#execution']);
  third.answer();
  expect(await Promise.all(results)).toHaveLength(4);
});

it('puts no more into one transaction than DynamoDB takes, and loses nobody', async () => {
  const { write, next, sent } = lanes();
  const results = [write('acme', call('0'))];
  const first = await next();
  for (let index = 1; index <= 150; index += 1) results.push(write('acme', call(`${index}`)));
  first.answer();
  for (const expected of [100, 52]) {
    const transaction = await next();
    expect(transaction.items).toHaveLength(expected);
    transaction.answer();
  }
  await Promise.all(results);
  expect(sent).toHaveLength(3);
});

it('one tenant does not wait for another', async () => {
  const { write, next } = lanes();
  const slow = write('acme', call('1'));
  const acme = await next();
  const fast = write('globex', call('2'));
  (await next()).answer();
  expect(await fast).toBeUndefined();
  acme.answer();
  expect(await slow).toBeUndefined();
});
