import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BudgetView, CostEntryView, ExecutionCostsAnswer } from '../../../lib/client/api.ts';
import { cli } from './cli-harness.ts';
import { type FakeDeployment, failure, fakeDeployment } from './fake-deployment.ts';

const ID = 'research:one';

let cloud: FakeDeployment;
beforeEach(async () => {
  cloud = await fakeDeployment();
});
afterEach(() => cloud.server.close());

const run = (...args: string[]) => cli([...args, '--stage', 'dev'], { connect: cloud.connect });

const entry = (fields: Partial<CostEntryView>): CostEntryView => ({
  ...{ holdId: 'h1', kind: 'call', stepPath: 'research', attempt: 1, agent: 'researcher', provider: 'openai' },
  ...{ model: 'gpt-5', costUsd: 0.05, reservedUsd: 0.2, source: 'reported', inputTokens: 1000, outputTokens: 200 },
  ...{ priceBook: 'ab'.repeat(32), settledAt: '2026-11-26T10:00:00.000Z' },
  ...fields,
});
const budget: BudgetView = { kind: 'execution', limitUsd: 0.1, spentUsd: 0.09, heldUsd: 0, remainingUsd: 0.01 };
const answer: ExecutionCostsAnswer = {
  ...{ executionId: ID, workflow: 'research', status: 'running' },
  budgets: [
    budget,
    { kind: 'agent', name: 'researcher', limitUsd: null, spentUsd: 0.09, heldUsd: 0, remainingUsd: null },
  ],
  entries: [
    entry({}),
    entry({ holdId: 'h2', costUsd: 0.039999999, model: 'claude-x', provider: 'anthropic' }),
    entry({
      ...{ holdId: 'compute:write:1', kind: 'compute', stepPath: 'write', provider: 'fargate', model: 'X86_64' },
      ...{ costUsd: 1e-9, inputTokens: 0, outputTokens: 0 },
    }),
  ],
  unsettled: [],
};

describe('wflo costs', () => {
  it('shows budgets and what each step has cost, dearest first and to the last decimal', async () => {
    cloud.routes[`GET /executions/${ID}/costs`] = () => answer;
    const { code, stdout, stderr } = await run('costs', ID);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatchInlineSnapshot(`
      "research:one  running  $0.09
        BUDGET            LIMIT  SPENT  HELD   LEFT
        execution         $0.10  $0.09  $0.00  $0.01
        agent researcher  none   $0.09  $0.00
        STEP      COST          CALLS  IN    OUT
        research  $0.089999999  2      2000  400
        write     $0.000000001
      "
    `);
  });

  it('goes through all pages, and sums by what is asked for', async () => {
    cloud.routes[`GET /executions/${ID}/costs`] = ({ url }) => {
      const second = url.includes('cursor=next');
      const { entries, ...rest } = answer;
      return second
        ? { ...rest, entries: entries.slice(1) }
        : { ...rest, entries: entries.slice(0, 1), cursor: 'next' };
    };
    const { stdout } = await run('costs', ID, '--by', 'provider', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      by: 'provider',
      shares: [
        { name: 'openai', calls: 1, costUsd: 0.05, inputTokens: 1000, outputTokens: 200 },
        { name: 'anthropic', calls: 1, costUsd: 0.039999999 },
        { name: 'fargate', calls: 0, costUsd: 1e-9 },
      ],
    });
  });

  it('says how much is held for what nobody knows', async () => {
    const hold = {
      ...entry({}),
      executionId: ID,
      heldUsd: 0.2,
      since: '2026-11-26T10:00:00.000Z',
      reason: 'broke off',
    };
    cloud.routes[`GET /executions/${ID}/costs`] = () => ({ ...answer, unsettled: [hold, hold] });
    expect((await run('costs', ID)).stdout).toContain('2 calls whose cost is not known: $0.40 stay held');
    cloud.routes['GET /holds'] = () => ({ holds: [hold] });
    expect((await run('costs', 'unsettled')).stdout).toMatch(/research:one .*openai\/gpt-5 +\$0\.20 .*broke off/);
  });

  it('sums what a tenant has spent by day', async () => {
    const row = {
      workflow: 'research',
      agent: 'a',
      provider: 'openai',
      model: 'm',
      calls: 2,
      inputTokens: 1,
      outputTokens: 1,
    };
    cloud.routes['GET /costs'] = () => ({
      ...{ from: '2026-11-01', to: '2026-11-02' },
      rows: [
        { ...row, day: '2026-11-01', costUsd: 0.1 },
        { ...row, day: '2026-11-01', costUsd: 0.2 },
        { ...row, day: '2026-11-02', costUsd: 0.05 },
      ],
    });
    const { stdout } = await run('costs', '--by', 'day', '--from', '2026-11-01', '--to', '2026-11-02');
    expect(stdout).toMatchInlineSnapshot(`
      "2026-11-01 to 2026-11-02  $0.35
      DAY         COST   CALLS  IN  OUT
      2026-11-01  $0.30  4      2   2
      2026-11-02  $0.05  2      1   1
      "
    `);
    expect(cloud.server.seen[0]?.url).toContain('from=2026-11-01&to=2026-11-02');
  });

  it.each([
    [['costs', ID, 'another'], 'one word too many'],
    [['costs', ID, '--by', 'day'], 'cannot be summed by "day"'],
    [['costs', '--by', 'step'], 'cannot be summed by "step"'],
    [['costs', ID, '--from', '2026-11-01'], 'of no use with an execution'],
    [['costs', 'settle', ID, 'h1', '--usd', '1'], '--reason is missing'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await run(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(cloud.server.seen).toEqual([]);
  });

  it('settles what nobody knows, with who says so and why', async () => {
    cloud.routes[`POST /executions/${ID}/holds/h1`] = () => entry({ costUsd: 0.031, source: 'person' });
    const { stdout } = await run('costs', 'settle', ID, 'h1', '--usd', '0.031', '--reason', 'usage page');
    expect(stdout).toBe('settled h1: $0.031 of $0.20 that were held\n');
    expect(cloud.bodyOf(`POST /executions/${ID}/holds/h1`)).toEqual({ costUsd: '0.031', reason: 'usage page' });
  });
});

describe('wflo budget', () => {
  it('raises the budget of an execution, as one raise', async () => {
    cloud.routes[`POST /executions/${ID}/budget`] = () => ({ ...budget, limitUsd: 5.1, remainingUsd: 5.01 });
    const { stdout } = await run('budget', 'raise', ID, '5.00');
    expect(stdout).toContain('$5.10');
    expect(cloud.bodyOf(`POST /executions/${ID}/budget`)).toEqual({
      byUsd: '5.00',
      raiseId: expect.stringMatching(/^[0-9a-f]{24}$/),
    });
  });

  it('tells why it may not be raised', async () => {
    cloud.routes[`POST /executions/${ID}/budget`] = () => failure('requester_may_not_raise', 'ada started it');
    const { code, stderr } = await run('budget', 'raise', ID, '5.00', '--agent', 'researcher');
    expect([code, stderr]).toEqual([1, expect.stringContaining('requester_may_not_raise')]);
    expect(cloud.bodyOf(`POST /executions/${ID}/budget`)).toMatchObject({ agent: 'researcher' });
  });

  it('sets that of the tenant as a whole', async () => {
    cloud.routes['PUT /budget'] = () => ({
      ...{ tenant: 'default', alertsAt: [0.5, 0.9] },
      budgets: [{ kind: 'tenant', period: '2026-11-26', limitUsd: 50, spentUsd: 1, heldUsd: 0, remainingUsd: 49 }],
    });
    const { stdout } = await run('budget', 'set', '--daily', '50', '--alerts-at', '0.5,0.9');
    expect(stdout).toMatchInlineSnapshot(`
      "tenant default  alerts at 50 %, 90 %
        BUDGET             LIMIT   SPENT  HELD   LEFT
        tenant 2026-11-26  $50.00  $1.00  $0.00  $49.00
      "
    `);
    expect(cloud.bodyOf('PUT /budget')).toEqual({ dailyUsd: '50', alertsAt: [0.5, 0.9] });
  });

  it.each([
    [['budget', 'set'], 'no budget is given'],
    [['budget', 'set', '--daily', '5', '--unlimited'], '--unlimited excludes'],
    [['budget', 'set', '--daily', '5', '--alerts-at', '50'], 'no shares of a limit'],
    [['budget', 'set', '--unlimited', '--alerts-at', '0.5'], 'there are no alerts'],
    [['budget', 'raise', ID], '<dollars> is missing'],
    [['run', 'research', '--budget', '-1'], 'not an amount of dollars'],
    [['run', 'research', '--budget', '1', '--input', '[]'], 'needs an input that is an object'],
    [['run', 'research', '--budget', '1', '--input', '{"wflo":{"budgetUsd":"2"}}'], 'says its budget already'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await run(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(cloud.server.seen).toEqual([]);
  });
});
