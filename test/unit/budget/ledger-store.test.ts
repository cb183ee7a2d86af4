import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { dynamoLedger } from '../../../lib/aws/dynamo-ledger.ts';
import { ulidIds } from '../../../lib/aws/ulid-ids.ts';
import { nanoUsd } from '../../../lib/budget/money.ts';
import { FakeClock } from '../../_helpers/fakes/fake-clock.ts';

const clock = new FakeClock('2026-11-26T12:00:00.000Z');

/** A ledger whose requests all end in this error, and the waits between them in milliseconds. */
function failing(error: Error | (() => Error)) {
  const waits: number[] = [];
  const client = new DynamoDBClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  client.middlewareStack.add(
    () => async () => {
      throw Object.assign(typeof error === 'function' ? error() : error, { $metadata: {} });
    },
    { step: 'initialize' },
  );
  const ledger = dynamoLedger({
    client,
    ledgerTable: 'ledger',
    stateTable: 'state',
    ids: ulidIds(clock),
    clock,
    retentionDays: 400,
    retry: { wait: async (milliseconds) => void waits.push(milliseconds), random: () => 1 },
  });
  const reserve = () =>
    ledger.reserve({
      holdId: 'call-1',
      kind: 'call',
      payer: {
        tenant: 'acme',
        workflow: 'report',
        executionId: 'report:one',
        path: 'write',
        attempt: 1,
        agent: 'write',
      },
      purpose: { provider: 'openai', model: 'gpt-5', priceBook: 'hash' },
      amount: nanoUsd(1),
      leaseEpoch: 1,
    });
  return { ledger, reserve, waits };
}

const named = (name: string) => Object.assign(new Error(name), { name });
const cancelled = (...codes: string[]) =>
  Object.assign(named('TransactionCanceledException'), { CancellationReasons: codes.map((Code) => ({ Code })) });

it('a conflict is tried again for two seconds of waiting, then the ledger is busy', async () => {
  const { reserve, waits } = failing(cancelled('None', 'None', 'TransactionConflict'));
  await expect(reserve()).rejects.toMatchObject({ code: 'ledger_busy' });
  const waited = waits.reduce((sum, wait) => sum + wait, 0);
  expect(waited).toBeGreaterThanOrEqual(2_000);
  expect(waited).toBeLessThan(2_400 + 1);
  expect(Math.max(...waits)).toBeLessThanOrEqual(400);
});

it.each(['ThrottlingException', 'ProvisionedThroughputExceededException', 'TransactionInProgressException'])(
  '%s is a busy ledger',
  async (name) => {
    await expect(failing(named(name)).reserve()).rejects.toMatchObject({ code: 'ledger_busy' });
  },
);

it.each(['TimeoutError', 'InternalServerError', 'AccessDeniedException', 'ResourceNotFoundException', 'ExpiredToken'])(
  '%s is a ledger out of reach, for every method',
  async (name) => {
    const { ledger, reserve } = failing(named(name));
    await expect(reserve()).rejects.toMatchObject({ code: 'ledger_unreachable', fix: expect.any(String) });
    const unreachable = { code: 'ledger_unreachable' };
    await expect(
      ledger.settle({ executionId: 'report:one', holdId: 'x', cost: nanoUsd(1), source: 'reported' }),
    ).rejects.toMatchObject(unreachable);
    await expect(ledger.release('report:one', 'x')).rejects.toMatchObject(unreachable);
    await expect(ledger.unsettle('report:one', 'x', 'broken')).rejects.toMatchObject(unreachable);
    await expect(ledger.renew('report:one', 'x', '2026-11-26T13:00:00.000Z')).rejects.toMatchObject(unreachable);
    await expect(ledger.expiredHolds(clock.now(), 1)).rejects.toMatchObject(unreachable);
    await expect(ledger.unsettledHolds('acme', { limit: 1 })).rejects.toMatchObject(unreachable);
  },
);

it('a mistake of ours is neither', async () => {
  await expect(failing(named('ValidationException')).reserve()).rejects.toThrow('ValidationException');
});

it('a port where nobody listens is a ledger out of reach', async () => {
  const client = new DynamoDBClient({
    endpoint: 'http://127.0.0.1:9',
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 2,
  });
  const ledger = dynamoLedger({
    client,
    ledgerTable: 'ledger',
    stateTable: 'state',
    ids: ulidIds(clock),
    clock,
    retentionDays: 400,
  });
  await expect(ledger.getHold('report:one', 'x')).rejects.toMatchObject({ code: 'ledger_unreachable' });
});
