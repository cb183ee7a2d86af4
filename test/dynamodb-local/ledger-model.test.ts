import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dynamoExecutionStore } from '../../lib/aws/dynamo-execution-store.ts';
import { dynamoLedger } from '../../lib/aws/dynamo-ledger.ts';
import { dynamoBudgets } from '../../lib/aws/dynamo-ledger-budgets.ts';
import { ulidIds } from '../../lib/aws/ulid-ids.ts';
import { nanoUsd } from '../../lib/budget/money.ts';
import { aStep, checkAgainstModel } from '../_helpers/contracts/ledger-model.ts';
import { createTables, type TestTables } from '../_helpers/create-tables.ts';
import { type DynamoDbLocal, startDynamoDbLocal } from '../_helpers/dynamodb-local.ts';
import { FakeClock } from '../_helpers/fakes/fake-clock.ts';
import { aLease } from '../_helpers/fakes/records.ts';

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

const CASES = 25;

function storesAt(clock: FakeClock) {
  const options = { client: engine.client, ...tables, ids: ulidIds(clock), clock, retentionDays: 400 };
  return { ledger: dynamoLedger(options), budgets: dynamoBudgets(options), executions: dynamoExecutionStore(options) };
}

async function giveLease(clock: FakeClock, executionId: string): Promise<void> {
  const lease = aLease({ executionId, status: 'claimed', epoch: 1 });
  const { path, attempt } = lease;
  await storesAt(clock).executions.commit({
    executionId,
    changes: [{ item: 'lease', path, attempt, put: lease }],
    events: [],
  });
}

it('sums agree, nothing is lost and every refusal is true, also where each call comes from another process', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(aStep, { minLength: 10, maxLength: 25 }), fc.boolean(), async (steps, alone) => {
      const clock = new FakeClock();
      const stores = storesAt(clock);
      const ledger = () => (alone ? stores.ledger : storesAt(clock).ledger);
      const tenant = `t-${randomBytes(6).toString('hex')}`;
      const under = {
        ...stores.budgets,
        openExecution: async (budget: Parameters<typeof stores.budgets.openExecution>[0]) => {
          await stores.budgets.openExecution(budget);
          await giveLease(clock, budget.executionId);
        },
        reserve: (...asked: Parameters<typeof stores.ledger.reserve>) => ledger().reserve(...asked),
        settle: (...asked: Parameters<typeof stores.ledger.settle>) => ledger().settle(...asked),
        release: (...asked: Parameters<typeof stores.ledger.release>) => ledger().release(...asked),
        unsettle: (...asked: Parameters<typeof stores.ledger.unsettle>) => ledger().unsettle(...asked),
        renew: (...asked: Parameters<typeof stores.ledger.renew>) => ledger().renew(...asked),
        getHold: stores.ledger.getHold,
        listHolds: stores.ledger.listHolds,
        expiredHolds: stores.ledger.expiredHolds,
        holdsToLookUp: stores.ledger.holdsToLookUp,
        lookUpAgain: stores.ledger.lookUpAgain,
        unsettledHolds: stores.ledger.unsettledHolds,
      };
      await checkAgainstModel(under, clock, { tenant, workflow: 'report' }, steps);
    }),
    { numRuns: CASES },
  );
}, 300_000);

it('a transaction that was made, but whose answer was lost, is found by a repeat and counts once', async () => {
  const clock = new FakeClock('2026-11-26T12:00:00.000Z');
  const { budgets } = storesAt(clock);
  const tenant = `t-${randomBytes(6).toString('hex')}`;
  const executionId = `report:${tenant}`;
  await budgets.openExecution({
    executionId,
    tenant,
    workflow: 'report',
    limit: nanoUsd(100),
    agents: {},
    alertsAt: [],
    windows: {},
  });
  await giveLease(clock, executionId);
  const request = {
    holdId: 'call-1',
    kind: 'call' as const,
    payer: { tenant, workflow: 'report', executionId, path: 'write', attempt: 1, agent: 'write' },
    purpose: { provider: 'openai', model: 'gpt-5', priceBook: 'hash' },
    amount: nanoUsd(100),
    leaseEpoch: 1,
  };
  // Opens the windows, so that the next transaction is the only one.
  await storesAt(clock).ledger.reserve({ ...request, holdId: 'first', amount: nanoUsd(0) });

  /** The process ends between the transaction and its answer. */
  async function losingAnswers() {
    let loses = true;
    const { region, credentials, endpoint } = engine.client.config;
    if (endpoint === undefined) throw new Error('the engine has no endpoint');
    const client = new DynamoDBClient({ region, credentials, endpoint: await endpoint() });
    client.middlewareStack.add(
      (next, context) => async (asked) => {
        const answer = await next(asked);
        if (loses && context.commandName === 'TransactWriteItemsCommand') {
          loses = false;
          throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError', $metadata: {} });
        }
        return answer;
      },
      { step: 'initialize' },
    );
    return dynamoLedger({ client, ...tables, ids: ulidIds(clock), clock, retentionDays: 400 });
  }
  const reserving = await losingAnswers();
  await expect(reserving.reserve(request)).rejects.toMatchObject({ code: 'ledger_unreachable' });
  expect(await reserving.reserve(request)).toMatchObject({ kind: 'held', hold: { state: 'open' } });
  const scope = { kind: 'execution', executionId } as const;
  expect(await budgets.getScope(scope)).toMatchObject({ held: 100, remaining: 0, inflight: 2 });

  const settling = await losingAnswers();
  const settlement = { executionId, holdId: 'call-1', cost: nanoUsd(40), source: 'reported' as const };
  await expect(settling.settle(settlement)).rejects.toMatchObject({ code: 'ledger_unreachable' });
  expect(await settling.settle(settlement)).toMatchObject({ kind: 'already', entry: { cost: 40 } });
  expect(await budgets.getScope(scope)).toMatchObject({ held: 0, spent: 40, remaining: 60, inflight: 1 });
});
