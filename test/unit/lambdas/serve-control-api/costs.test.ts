import { beforeEach, describe, expect, it } from 'vitest';
import type { Payer } from '../../../../lib/budget/ledger.ts';
import { usd } from '../../../../lib/budget/money.ts';
import type {
  BudgetView,
  CostEntryView,
  CostsAnswer,
  ExecutionCostsAnswer,
  ExecutionView,
  HoldsAnswer,
  ListAnswer,
  TenantBudgetAnswer,
} from '../../../../lib/client/api.ts';
import type { Actor } from '../../../../lib/execution/records.ts';
import { aPerson, fakePeopleStore } from '../../../_helpers/fakes/fake-people-store.ts';
import { anExecution } from '../../../_helpers/fakes/records.ts';
import { controlApi, signedBy } from './api-harness.ts';

const ID = 'report:one';
const COSTS = '/v1/executions/report%3Aone/costs';
const BUDGET = '/v1/executions/report%3Aone/budget';
const as = (personId: string) => signedBy(`arn:aws:iam::123456789012:user/${personId}`);
const PURPOSE = { provider: 'openai', model: 'gpt-5', priceBook: 'ab'.repeat(32) };
const payer: Payer = {
  tenant: 'default',
  workflow: 'report',
  executionId: ID,
  path: 'plan',
  attempt: 1,
  agent: 'planner',
};

/** Olga started it and owns budgets too, as Bob does; Ada runs the deployment; Mia is of another tenant. */
const people = () =>
  fakePeopleStore().seed({
    people: [
      aPerson({ personId: 'ada', roles: ['administrator'] }),
      aPerson({ personId: 'olga', roles: ['operator', 'budget-owner'] }),
      aPerson({ personId: 'bob', roles: ['budget-owner'] }),
      aPerson({ personId: 'mia', tenant: 'acme', roles: ['administrator'] }),
    ],
  });

let api: ReturnType<typeof controlApi>;
const open = (fields: Parameters<typeof anExecution>[0] = {}) => {
  const requester: Actor = { type: 'person', id: 'olga', via: 'api' };
  api.executions.seed({
    executions: [anExecution({ status: 'running', requester, steps: [{ path: 'plan', kind: 'sandbox' }], ...fields })],
  });
  return api.ledger.openExecution({
    ...{ executionId: ID, tenant: 'default', workflow: 'report', limit: usd('1.00') },
    ...{ agents: { planner: usd('0.50') }, alertsAt: [], windows: {} },
  });
};
const hold = (holdId: string, dollars: string) =>
  api.ledger.reserve({ holdId, kind: 'call', payer, purpose: PURPOSE, amount: usd(dollars), leaseEpoch: 1 });
const settle = (holdId: string, dollars: string) =>
  api.ledger.settle({
    ...{ executionId: ID, holdId, cost: usd(dollars), source: 'reported' },
    usage: { tokens: { input: 100, cacheRead: 20, output: 30 } },
  });

beforeEach(() => {
  api = controlApi({ people: people() });
});

describe('costs', () => {
  it('stand in an execution while it runs, with its limit, and in its steps', async () => {
    await open();
    await hold('a', '0.20');
    await settle('a', '0.125');
    await hold('b', '0.30');
    const { body } = await api.call<ExecutionView>('GET', '/v1/executions/report%3Aone', undefined, as('bob'));
    expect(body).toMatchObject({ costUsd: 0.125, budgetUsd: 1 });
    expect(body.steps.find(({ path }) => path === 'plan')).toMatchObject({ costUsd: 0.125 });
    const { body: list } = await api.call<ListAnswer>('GET', '/v1/executions', undefined, as('bob'));
    expect(list.executions).toMatchObject([{ executionId: ID, costUsd: 0.125, budgetUsd: 1 }]);
  });

  it('of an execution are its budgets, its entries and what is not known', async () => {
    await open();
    await hold('a', '0.20');
    await settle('a', '0.000000001');
    await hold('b', '0.30');
    await api.ledger.unsettle(ID, 'b', 'the stream broke off');
    const { status, body } = await api.call<ExecutionCostsAnswer>('GET', COSTS, undefined, as('bob'));
    expect(status).toBe(200);
    expect(body.budgets).toEqual([
      { kind: 'execution', limitUsd: 1, spentUsd: 1e-9, heldUsd: 0.3, remainingUsd: 0.699999999 },
      { kind: 'agent', name: 'planner', limitUsd: 0.5, spentUsd: 1e-9, heldUsd: 0.3, remainingUsd: 0.199999999 },
    ]);
    expect(body.entries).toMatchObject([
      { holdId: 'a', stepPath: 'plan', costUsd: 1e-9, reservedUsd: 0.2, inputTokens: 120, outputTokens: 30 },
    ]);
    expect(body.unsettled).toMatchObject([{ holdId: 'b', heldUsd: 0.3, reason: 'the stream broke off' }]);
  });

  it('come in pages that hold each entry once', async () => {
    await open();
    for (const id of ['a', 'b', 'c']) {
      await hold(id, '0.10');
      await settle(id, '0.01');
    }
    const first = await api.call<ExecutionCostsAnswer>('GET', `${COSTS}?limit=2`, undefined, as('bob'));
    const { cursor } = first.body;
    const rest = await api.call<ExecutionCostsAnswer>('GET', `${COSTS}?limit=2&cursor=${cursor}`, undefined, as('bob'));
    expect([...first.body.entries, ...rest.body.entries].map(({ holdId }) => holdId).sort()).toEqual(['a', 'b', 'c']);
    expect(rest.body.cursor).toBeUndefined();
  });

  it('of a tenant are summed by day, and those of another tenant are not seen', async () => {
    await open();
    await hold('a', '0.20');
    await settle('a', '0.125');
    const mine = await api.call<CostsAnswer>('GET', '/v1/costs', undefined, as('bob'));
    expect(mine.body).toEqual({
      from: '2026-11-01',
      to: '2026-11-24',
      rows: [
        {
          ...{ day: '2026-11-24', workflow: 'report', agent: 'planner', provider: 'openai', model: 'gpt-5', calls: 1 },
          ...{ costUsd: 0.125, inputTokens: 120, outputTokens: 30 },
        },
      ],
    });
    expect((await api.call<CostsAnswer>('GET', '/v1/costs', undefined, as('mia'))).body.rows).toEqual([]);
    expect(await api.call('GET', COSTS, undefined, as('mia'))).toMatchObject({ status: 404 });
  });

  it.each([
    'from=2026-02-30',
    'from=yesterday',
    'from=2026-11-24&to=2026-11-23',
    'from=2026-01-01',
    'since=2026-11-01',
  ])('refuse %s', async (query) => {
    expect(await api.call('GET', `/v1/costs?${query}`, undefined, as('bob'))).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_request' } },
    });
  });
});

describe('raising a budget', () => {
  const raise = (personId: string, request: object) => api.call<BudgetView>('POST', BUDGET, request, as(personId));
  const refused = (status: number, code: string) => ({ status, body: { error: { code } } });

  it('adds to it once, however often it is sent, and tells of it once', async () => {
    await open();
    const request = { byUsd: '5.00', raiseId: 'r1' };
    expect((await raise('bob', request)).body).toMatchObject({ kind: 'execution', limitUsd: 6, remainingUsd: 6 });
    expect((await raise('bob', request)).body).toMatchObject({ limitUsd: 6 });
    expect(
      api.ledger.announcements().map(({ chainId, events }) => [chainId, events[0]?.eventType, events[0]?.data]),
    ).toEqual([[ID, 'budget.raised', { byNanoUsd: 5_000_000_000, limitNanoUsd: 6_000_000_000 }]]);
  });

  it('may be for one agent', async () => {
    await open();
    const raised = await raise('bob', { byUsd: '0.25', agent: 'planner', raiseId: 'r1' });
    expect(raised.body).toMatchObject({ kind: 'agent', name: 'planner', limitUsd: 0.75 });
  });

  it('is not for whoever started the execution, whatever their roles', async () => {
    await open();
    expect(await raise('olga', { byUsd: '5', raiseId: 'r1' })).toMatchObject(refused(403, 'requester_may_not_raise'));
    expect(await api.ledger.getScope({ kind: 'execution', executionId: ID })).toMatchObject({ limit: usd(1) });
  });

  it('is for administrators alone where nothing proves who started it', async () => {
    await open({ requester: { type: 'unverified', id: 'unknown', via: 'step-functions' } });
    expect(await raise('bob', { byUsd: '5', raiseId: 'r1' })).toMatchObject(refused(403, 'requester_may_not_raise'));
    expect(await raise('ada', { byUsd: '5', raiseId: 'r1' })).toMatchObject({ status: 200 });
  });

  it('is refused once it has ended or is ending, for nothing, and for what is no amount', async () => {
    await open({ status: 'succeeded' });
    expect(await raise('bob', { byUsd: '5', raiseId: 'r1' })).toMatchObject(refused(409, 'execution_closed'));
    api = controlApi({ people: people() });
    await open();
    expect(await raise('bob', { byUsd: '0', raiseId: 'r1' })).toMatchObject(refused(400, 'invalid_budget'));
    expect(await raise('bob', { byUsd: '-5', raiseId: 'r1' })).toMatchObject(refused(400, 'invalid_request'));
    expect(await raise('mia', { byUsd: '5', raiseId: 'r1' })).toMatchObject(refused(404, 'unknown_execution'));
  });
});

describe('the budget of a tenant', () => {
  const show = async (personId = 'bob') =>
    (await api.call<TenantBudgetAnswer>('GET', '/v1/budget', undefined, as(personId))).body;
  const set = (request: object, personId = 'bob') =>
    api.call<TenantBudgetAnswer>('PUT', '/v1/budget', request, as(personId));

  it('has no limit at first', async () => {
    const window = { kind: 'tenant', limitUsd: null, spentUsd: 0, heldUsd: 0, remainingUsd: null };
    expect(await show()).toEqual({
      tenant: 'default',
      alertsAt: [],
      budgets: [
        { ...window, period: '2026-11-24' },
        { ...window, period: '2026-11' },
      ],
    });
  });

  it('is set as a whole, keeps what was spent, and is told of', async () => {
    await open();
    await hold('a', '0.20');
    await settle('a', '0.125');
    const { body } = await set({ dailyUsd: '10', alertsAt: [0.9, 0.5, 0.5] });
    expect(body).toMatchObject({
      alertsAt: [0.5, 0.9],
      budgets: [
        { limitUsd: 10, spentUsd: 0.125, remainingUsd: 9.875 },
        { limitUsd: null, spentUsd: 0.125 },
      ],
    });
    await set({ monthlyUsd: '100' });
    expect((await show()).budgets).toMatchObject([{ limitUsd: null }, { limitUsd: 100, remainingUsd: 99.875 }]);
    expect(api.ledger.announcements().map(({ chainId, events }) => [chainId, events[0]?.eventType])).toEqual([
      ['tenant:default', 'budget.set'],
      ['tenant:default', 'budget.set'],
    ]);
    expect((await show('mia')).budgets).toMatchObject([{ limitUsd: null, spentUsd: 0 }, { limitUsd: null }]);
  });

  it.each([
    [{ dailyUsd: '0' }, 'invalid_budget'],
    [{ dailyUsd: '1e3' }, 'invalid_request'],
    [{ dailyUsd: '1', alertsAt: [0] }, 'invalid_request'],
    [{ dailyUsd: '1', alertsAt: [1.5] }, 'invalid_request'],
    [{ yearlyUsd: '1' }, 'invalid_request'],
  ])('refuses %j', async (request, code) => {
    expect(await set(request)).toMatchObject({ status: 400, body: { error: { code } } });
    expect((await show()).budgets).toMatchObject([{ limitUsd: null }, { limitUsd: null }]);
  });
});

describe('what nobody knows the cost of', () => {
  const settled = (holdId: string, request: object, personId = 'bob') =>
    api.call<CostEntryView>('POST', `/v1/executions/report%3Aone/holds/${holdId}`, request, as(personId));
  const listed = async (personId = 'bob') =>
    (await api.call<HoldsAnswer>('GET', '/v1/holds', undefined, as(personId))).body.holds;

  beforeEach(async () => {
    await open();
    await hold('a', '0.30');
    await api.ledger.unsettle(ID, 'a', 'the gateway was lost');
    await hold('b', '0.10');
  });

  it('is listed, without what still runs and what is of others', async () => {
    expect(await listed()).toMatchObject([
      { executionId: ID, holdId: 'a', heldUsd: 0.3, reason: 'the gateway was lost' },
    ]);
    expect(await listed('mia')).toEqual([]);
  });

  it('is settled by a person with a reason, which frees the rest', async () => {
    const { status, body } = await settled('a', { costUsd: '0.031', reason: 'the usage page says so' });
    expect([status, body]).toMatchObject([200, { holdId: 'a', costUsd: 0.031, source: 'person' }]);
    expect(await listed()).toEqual([]);
    const { items } = await api.ledger.listEntries(ID, { limit: 10 });
    expect(items).toMatchObject([{ by: 'bob', reason: 'the usage page says so' }]);
    expect(await api.ledger.getScope({ kind: 'execution', executionId: ID })).toMatchObject({
      spent: usd('0.031'),
      held: usd('0.10'),
    });
  });

  it.each([
    ['what still runs', 'b', { costUsd: '0.01', reason: 'x' }, 404, 'unknown_hold'],
    ['what does not exist', 'c', { costUsd: '0.01', reason: 'x' }, 404, 'unknown_hold'],
    ['more than is held', 'a', { costUsd: '0.31', reason: 'x' }, 400, 'invalid_money'],
    ['no reason', 'a', { costUsd: '0.01' }, 400, 'invalid_request'],
  ])('is refused for %s', async (_, holdId, request, status, code) => {
    expect(await settled(holdId, request)).toMatchObject({ status, body: { error: { code } } });
  });

  it('is settled once', async () => {
    await settled('a', { costUsd: '0.031', reason: 'x' });
    expect(await settled('a', { costUsd: '0.01', reason: 'y' })).toMatchObject({ status: 404 });
    expect(await api.ledger.getScope({ kind: 'execution', executionId: ID })).toMatchObject({ spent: usd('0.031') });
  });
});
