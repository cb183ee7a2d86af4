import { randomBytes } from 'node:crypto';
import { DeleteCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { documentClient, queryItems } from '../../lib/aws/document-client.ts';
import { dynamoLedger } from '../../lib/aws/dynamo-ledger.ts';
import { dynamoBudgets } from '../../lib/aws/dynamo-ledger-budgets.ts';
import { holdKey, windowsKey } from '../../lib/aws/ledger-keys.ts';
import { leaseKey } from '../../lib/aws/state-keys.ts';
import { ulidIds } from '../../lib/aws/ulid-ids.ts';
import type { WindowScope } from '../../lib/budget/ledger.ts';
import { nanoUsd } from '../../lib/budget/money.ts';
import { createTables, type TestTables } from '../_helpers/create-tables.ts';
import { type DynamoDbLocal, startDynamoDbLocal } from '../_helpers/dynamodb-local.ts';
import { FakeClock } from '../_helpers/fakes/fake-clock.ts';
import { aLease } from '../_helpers/fakes/records.ts';

/** What is in the items beside what the ports tell: when they expire, and what the stream has to show. */
let engine: DynamoDbLocal;
let tables: TestTables;
beforeAll(async () => {
  engine = await startDynamoDbLocal();
  tables = await createTables(engine.client);
});
afterAll(async () => {
  await tables.remove();
  await engine.stop();
});

const clock = new FakeClock('2026-11-26T12:00:00.000Z');
const RECORD = clock.now().getTime() / 1000 + 100 * 86_400;
const VALUE = clock.now().getTime() / 1000 + 200 * 86_400;

async function opened() {
  const options = { client: engine.client, ...tables, ids: ulidIds(clock), clock, retentionDays: 100 };
  const store = dynamoLedger(options);
  const budgets = dynamoBudgets(options);
  const tenant = `t-${randomBytes(6).toString('hex')}`;
  const executionId = `report:${tenant}`;
  await budgets.openExecution({
    executionId,
    tenant,
    workflow: 'report',
    limit: nanoUsd(100),
    agents: {},
    alertsAt: [500],
    windows: {},
  });
  const reserve = (holdId: string) =>
    store.reserve({
      holdId,
      kind: 'compute',
      payer: { tenant, workflow: 'report', executionId, path: 'write', attempt: 1, agent: 'write' },
      purpose: { provider: 'fargate', model: 'X86_64 0.25 vCPU 512 MiB', priceBook: 'hash' },
      amount: nanoUsd(10),
    });
  const items = async (pk: string) => {
    const found: Record<string, Record<string, unknown>> = {};
    const query = queryItems(documentClient(engine.client), {
      TableName: tables.ledgerTable,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': pk },
    });
    for await (const item of query) found[String(item.sk)] = item;
    return found;
  };
  return { store, budgets, tenant, executionId, reserve, items };
}

it('what costs are told from stays twice as long as records, and what is not over stays', async () => {
  const { store, budgets, tenant, executionId, reserve, items } = await opened();
  await reserve('compute:write:1');
  await reserve('compute:write:2');
  await reserve('compute:write:3');
  await store.settle({ executionId, holdId: 'compute:write:1', cost: nanoUsd(5), source: 'reported' });
  await store.unsettle(executionId, 'compute:write:2', 'nobody knows');
  await budgets.setTenantLimits(tenant, { daily: nanoUsd(1_000) });
  await budgets.raise({ executionId, by: nanoUsd(1), raiseId: 'one' });
  const own = await items(`EXEC#${executionId}`);
  expect(Object.fromEntries(Object.entries(own).map(([sk, item]) => [sk, item.forgetAt]))).toEqual({
    'ENTRY#2026-11-26T12:00:00.000Z#compute:write:1': VALUE,
    'HOLD#compute:write:1': RECORD,
    'HOLD#compute:write:2': undefined,
    'HOLD#compute:write:3': undefined,
    'RAISE#one': RECORD,
    'SCOPE#execution': RECORD,
    'TOTAL#write#0001': VALUE,
  });
  const windows = await items(`TENANT#${tenant}`);
  expect(Object.fromEntries(Object.entries(windows).map(([sk, item]) => [sk, item.forgetAt]))).toEqual({
    LIMITS: undefined,
    WINDOWS: VALUE,
  });
  expect(Object.values(await items(`COSTS#${tenant}#2026-11-26`)).map(({ forgetAt }) => forgetAt)).toEqual([VALUE]);
});

it('the stream is asked for scopes with alerts, for entries, and for holds that are unsettled', async () => {
  const { store, budgets, tenant, executionId, reserve, items } = await opened();
  await reserve('compute:write:1');
  await reserve('compute:write:2');
  await store.settle({ executionId, holdId: 'compute:write:1', cost: nanoUsd(5), source: 'reported' });
  await store.unsettle(executionId, 'compute:write:2', 'nobody knows');
  const watched = async (pk: string) =>
    Object.entries(await items(pk)).flatMap(([sk, item]) => (item.watched === undefined ? [] : [[sk, item.watched]]));
  expect(await watched(`EXEC#${executionId}`)).toEqual([
    ['ENTRY#2026-11-26T12:00:00.000Z#compute:write:1', 'entry'],
    ['HOLD#compute:write:2', 'unsettled'],
    ['SCOPE#execution', 'scope'],
  ]);
  expect(await watched(`TENANT#${tenant}`)).toEqual([]);
  await budgets.setTenantLimits(tenant, { daily: nanoUsd(1_000), alertsAt: [500] });
  expect(await watched(`TENANT#${tenant}`)).toEqual([['WINDOWS', 'windows']]);
  await budgets.setTenantLimits(tenant, {});
  expect(await watched(`TENANT#${tenant}`)).toEqual([]);
  await store.settle({ executionId, holdId: 'compute:write:2', cost: nanoUsd(5), source: 'person', by: 'ada' });
  const [hold] = Object.values(await items(`EXEC#${executionId}`)).filter(({ sk }) => sk === 'HOLD#compute:write:2');
  expect([hold?.watched, hold?.holdList, hold?.holdOrder]).toEqual([undefined, undefined, undefined]);
});

it('what was held in a scope that has expired can still be settled, in those that are left', async () => {
  const { store, budgets, tenant, executionId, reserve } = await opened();
  await reserve('compute:write:1');
  await store.unsettle(executionId, 'compute:write:1', 'nobody knows');
  const day: WindowScope = { kind: 'tenant', tenant, window: 'day', period: '2026-11-26' };
  // As the time to live does it.
  await documentClient(engine.client).send(new DeleteCommand({ TableName: tables.ledgerTable, Key: windowsKey(day) }));
  const settlement = { executionId, holdId: 'compute:write:1', cost: nanoUsd(4), source: 'person' as const };
  expect(await store.settle(settlement)).toMatchObject({ kind: 'settled' });
  expect(await budgets.getScope(day)).toBeUndefined();
  expect(await budgets.getScope({ kind: 'execution', executionId })).toMatchObject({ spent: 4, held: 0, inflight: 0 });
});

it('a day takes the place of the one before the last: what was held there can be settled, and counts where it still can', async () => {
  const { store, budgets, tenant, executionId, reserve } = await opened();
  await budgets.setTenantLimits(tenant, { daily: nanoUsd(25), monthly: nanoUsd(40), alertsAt: [500] });
  const day = (period: string): WindowScope => ({ kind: 'tenant', tenant, window: 'day', period });
  const month: WindowScope = { kind: 'tenant', tenant, window: 'month', period: '2026-11' };
  try {
    await reserve('compute:write:1');
    clock.set('2026-11-27T12:00:00.000Z');
    await reserve('compute:write:2');
    expect(await budgets.getScope(day('2026-11-26'))).toMatchObject({ held: 10, remaining: 15 });
    clock.set('2026-11-28T12:00:00.000Z');
    await reserve('compute:write:3');
    expect(await budgets.getScope(day('2026-11-26'))).toBeUndefined();
    expect(await budgets.getScope(day('2026-11-27'))).toMatchObject({ held: 10, remaining: 15, limit: 25 });
    expect(await budgets.getScope(day('2026-11-28'))).toMatchObject({ held: 10, remaining: 15, limit: 25 });
    expect(await budgets.getScope(month)).toMatchObject({ held: 30, remaining: 10, inflight: 3 });
    expect(await reserve('compute:write:4')).toMatchObject({ kind: 'held' });
    // The month is full, as one of all days.
    expect(await reserve('compute:write:5')).toMatchObject({ kind: 'refused', refusal: { scope: month, limit: 40 } });

    const settlement = { executionId, holdId: 'compute:write:1', cost: nanoUsd(4), source: 'reported' as const };
    expect(await store.settle(settlement)).toMatchObject({ kind: 'settled' });
    expect(await budgets.getScope(day('2026-11-28'))).toMatchObject({ held: 20, spent: 0, inflight: 2 });
    expect(await budgets.getScope(month)).toMatchObject({ held: 30, spent: 4, remaining: 6, inflight: 3 });
    expect(await budgets.getScope({ kind: 'execution', executionId })).toMatchObject({ spent: 4, held: 30 });

    await budgets.setTenantLimits(tenant, { monthly: nanoUsd(100) });
    // A clock that is days behind: what it would count has no place, and nothing may be spent that is not counted.
    clock.set('2026-11-26T12:00:00.000Z');
    await expect(reserve('compute:write:6')).rejects.toMatchObject({ code: 'ledger_busy' });
  } finally {
    clock.set('2026-11-26T12:00:00.000Z');
  }
});

it('a hold of a version before, which stored its scopes, gives nothing back to windows that it was not taken from', async () => {
  const { store, budgets, tenant, executionId, reserve } = await opened();
  await reserve('compute:write:1');
  const day: WindowScope = { kind: 'tenant', tenant, window: 'day', period: '2026-11-26' };
  const before = await budgets.getScope(day);
  await documentClient(engine.client).send(
    new UpdateCommand({
      TableName: tables.ledgerTable,
      Key: holdKey(executionId, 'compute:write:1'),
      UpdateExpression: 'SET scopes = :scopes REMOVE withAgent',
      ExpressionAttributeValues: { ':scopes': [{ kind: 'execution', executionId }, day] },
    }),
  );
  const elsewhere = dynamoLedger({ client: engine.client, ...tables, ids: ulidIds(clock), clock, retentionDays: 100 });
  const settlement = { executionId, holdId: 'compute:write:1', cost: nanoUsd(4), source: 'reported' as const };
  expect(await elsewhere.settle(settlement)).toMatchObject({ kind: 'settled' });
  expect(await store.settle(settlement)).toMatchObject({ kind: 'already', entry: { cost: 4 } });
  expect(await budgets.getScope({ kind: 'execution', executionId })).toMatchObject({ spent: 4, held: 0, inflight: 0 });
  expect(await budgets.getScope(day)).toEqual(before);
});

it('text that has no UTF-8 form, and words of the provider beyond their length, do not keep a call from being settled', async () => {
  const { store, budgets, executionId, reserve } = await opened();
  await reserve('compute:write:1');
  const raw = { text: 'x'.repeat(5_000) };
  expect(
    await store.settle({
      executionId,
      holdId: 'compute:write:1',
      cost: nanoUsd(4),
      source: 'reported',
      raw,
      reason: 'half \ud83d',
    }),
  ).toMatchObject({ kind: 'settled' });
  expect((await budgets.listEntries(executionId, { limit: 1 })).items).toMatchObject([
    { reason: 'half \ufffd', raw: { tooLong: 5_011 } },
  ]);
});

it('an unsettled hold that is looked up is shown by the stream once, and listed for it until it is settled', async () => {
  const { store, tenant, executionId, items } = await opened();
  const payer = { tenant, workflow: 'report', executionId, path: 'write', attempt: 1, agent: 'write' };
  const lease = aLease({ executionId, path: 'write', attempt: 1, status: 'claimed', epoch: 1 });
  await documentClient(engine.client).send(
    new PutCommand({ TableName: tables.stateTable, Item: { ...lease, ...leaseKey(executionId, 'write', 1) } }),
  );
  const reserved = await store.reserve({
    holdId: 'call',
    kind: 'call',
    payer,
    purpose: { provider: 'bedrock', model: 'amazon.nova-lite-v1:0', priceBook: 'hash' },
    amount: nanoUsd(10),
    leaseEpoch: 1,
  });
  expect(reserved.kind).toBe('held');
  const item = async () => (await items(`EXEC#${executionId}`))['HOLD#call'];
  await store.unsettle(executionId, 'call', 'nobody knows');
  expect(await item()).toMatchObject({ watched: 'unsettled', recordAt: '2026-11-26T12:00:00.000Z' });
  await store.lookUpAgain(executionId, 'call', '2026-11-26T12:10:00.000Z');
  expect(await item()).toMatchObject({ holdList: `UNSETTLED#${tenant}`, recordAt: '2026-11-26T12:10:00.000Z' });
  expect(await item()).not.toHaveProperty('watched');
  await store.settle({ executionId, holdId: 'call', cost: nanoUsd(1), source: 'reconciled' });
  for (const gone of ['holdList', 'recordList', 'recordAt']) expect(await item()).not.toHaveProperty(gone);
});
