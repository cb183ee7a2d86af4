import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ChainRecord, WfloEvent } from '../../lib/audit/events.ts';
import { priceBook } from '../../lib/budget/prices/book.ts';
import { lookupOf } from '../../lib/budget/prices/lookup.ts';
import { readPriceOverrides, withOverrides } from '../../lib/budget/prices/overrides.ts';
import type { ApprovalSummary, ExecutionCostsAnswer, ExecutionView } from '../../lib/client/api.ts';
import { openaiChat } from '../../lib/model-calls/openai/chat.ts';
import prices from '../_fixtures/prices.json' with { type: 'json' };
import { localAws } from '../_helpers/local-aws.ts';
import { useScriptedProvider } from '../_helpers/provider-secrets.ts';
import { ScriptedProvider } from '../_helpers/scripted-provider/scripted-provider.ts';
import { eventually, runToEnd, wflo, wfloJson } from '../_helpers/wflo.ts';

interface CallResult {
  readonly status: number;
  readonly code: string;
  readonly retry?: string;
  readonly error?: { readonly message: string };
}

/** A call of 1,000 tokens in and as many out: $0.03 and $0.06. */
const TOKENS = 1000;

let provider: ScriptedProvider;
let content: string;

beforeAll(async () => {
  provider = await ScriptedProvider.start();
  const { endpoint, region, credentials, stage } = await localAws();
  await useScriptedProvider({ endpoint, region, credentials }, stage, provider.url);
  content = contentOf(TOKENS);
});
afterAll(() => provider.stop());
beforeEach(() => provider.reset());

/** Text whose call is bounded by exactly this many tokens of input, which the provider then says it has read. */
function contentOf(tokens: number): string {
  const book = withOverrides(priceBook(), readPriceOverrides(prices, 'prices.json'));
  const directive = `#wflo ${JSON.stringify({ exactBound: tokens })}\n`;
  const boundOf = (text: string) =>
    openaiChat.parse(
      {
        method: 'POST',
        path: '/v1/chat/completions',
        query: new URLSearchParams(),
        headers: new Map([['content-type', 'application/json']]),
        body: Buffer.from(
          JSON.stringify({
            model: 'scripted-1',
            messages: [{ role: 'user', content: text }],
            max_completion_tokens: TOKENS,
          }),
        ),
      },
      lookupOf(book),
    ).bound.inputTokens;
  const padded = directive + 'x'.repeat(tokens - boundOf(directive));
  expect(boundOf(padded)).toBe(tokens);
  return padded;
}

const input = (fields: object = {}) => ({ calls: 10, parallel: false, content, maxTokens: TOKENS, ...fields });
const run = (workflow: string, budgetUsd: string, fields: object = {}) =>
  runToEnd(workflow, { ...input(fields), wflo: { budgetUsd } });
const resultsOf = (view: ExecutionView) =>
  (view.output as unknown as { readonly results: readonly CallResult[] }).results;
const costsOf = (executionId: string) => wfloJson<ExecutionCostsAnswer>('costs', executionId);
const budgetOf = async (executionId: string) =>
  (await costsOf(executionId)).budgets.find(({ kind }) => kind === 'execution');

async function eventsOf(executionId: string, eventType: string): Promise<readonly WfloEvent[]> {
  const records = await wfloJson<readonly ChainRecord[]>('events', executionId);
  return records.map(({ event }) => event).filter((event) => event.eventType === eventType);
}

/** After every scenario: nothing is held, and the chain holds. */
async function expectSettled(executionId: string, spentUsd: number): Promise<void> {
  await eventually(
    () => budgetOf(executionId),
    (budget) => budget?.heldUsd === 0,
    'nothing is held any more',
  );
  expect(await budgetOf(executionId)).toMatchObject({ spentUsd, heldUsd: 0 });
  expect(await wflo('audit', 'verify', executionId, '--local')).toMatchObject({ code: 0 });
}

describe('a budget of $0.10 and calls of $0.09', () => {
  it('lets one of ten pass, and refuses the second before it leaves', async () => {
    const view = await run('spending-deny', '0.10');
    expect(view).toMatchObject({ status: 'succeeded', costUsd: 0.09, budgetUsd: 0.1 });
    const results = resultsOf(view);
    expect(results.map(({ status }) => status)).toEqual([200, ...Array(9).fill(402)]);
    expect(results[1]).toMatchObject({ code: 'budget_exhausted', retry: 'false' });
    expect(provider.requests).toHaveLength(1);
    expect(await eventsOf(view.executionId, 'cost.exceeded')).toMatchObject([
      { data: { limitNanoUsd: 100_000_000, spentNanoUsd: 90_000_000, neededNanoUsd: 90_000_000, onExceeded: 'deny' } },
    ]);
    await expectSettled(view.executionId, 0.09);
  });

  it('lets exactly one of twenty at the same time pass', async () => {
    const view = await run('spending-deny', '0.10', { calls: 20, parallel: true });
    const statuses = resultsOf(view).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 402)).toHaveLength(19);
    expect(provider.requests).toHaveLength(1);
    await expectSettled(view.executionId, 0.09);
  });

  it('stops an agent that swallows the refusal and calls on, and the execution with it', async () => {
    const view = await run('spending-stop', '0.10');
    expect(view).toMatchObject({ status: 'budget_exceeded', costUsd: 0.09, error: { code: 'budget_exceeded' } });
    expect(view).not.toHaveProperty('output');
    expect(provider.requests).toHaveLength(1);
    await expectSettled(view.executionId, 0.09);
  });
});

it('makes no call at all of 1,000 tokens in and 100,000 out against $0.0001', async () => {
  const view = await run('spending-deny', '0.0001', { calls: 1, maxTokens: 100_000 });
  expect(resultsOf(view)).toMatchObject([{ status: 402, code: 'budget_exhausted' }]);
  expect(provider.requests).toEqual([]);
  await expectSettled(view.executionId, 0);
});

it('may be spent to the last nano-dollar', async () => {
  const view = await run('spending-deny', '0.09', { calls: 2 });
  expect(resultsOf(view).map(({ status }) => status)).toEqual([200, 402]);
  await expectSettled(view.executionId, 0.09);
});

describe('alerts at 50 %, 75 % and 90 % of $1.00', () => {
  const alerts = async (executionId: string) =>
    (await eventsOf(executionId, 'cost.alert')).map(({ data }) => [data.threshold, data.spentNanoUsd]);
  const allAlerts = (executionId: string, count: number) =>
    eventually(
      () => alerts(executionId),
      (seen) => seen.length >= count,
      `${count} alerts`,
    );

  it('come once each, at the sixth, ninth and tenth call', async () => {
    const view = await run('spending-deny', '1.00', { calls: 10 });
    expect(resultsOf(view).map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(await allAlerts(view.executionId, 3)).toEqual([
      [0.5, 540_000_000],
      [0.75, 810_000_000],
      [0.9, 900_000_000],
    ]);
    await expectSettled(view.executionId, 0.9);
  });

  it('come once each where the calls are made at the same time', async () => {
    const view = await run('spending-deny', '1.00', { calls: 11, parallel: true });
    expect(resultsOf(view)).toHaveLength(11);
    const seen = await allAlerts(view.executionId, 3);
    expect(seen.map(([threshold]) => threshold)).toEqual([0.5, 0.75, 0.9]);
    await expectSettled(view.executionId, 0.99);
    expect(await alerts(view.executionId)).toEqual(seen);
  });
});

it('refuses the agent whose own budget is used up, and lets the others go on', async () => {
  const view = await runToEnd('crew', { content, maxTokens: TOKENS });
  expect(view.status).toBe('succeeded');
  const { one, two, three } = view.output as unknown as Record<string, { readonly results: readonly CallResult[] }>;
  const passed = (results: readonly CallResult[] | undefined) => results?.filter(({ status }) => status === 200).length;
  expect([passed(one?.results), passed(two?.results), passed(three?.results)]).toEqual([22, 5, 5]);
  expect(one?.results.at(-1)).toMatchObject({ status: 402, code: 'budget_exhausted' });
  const { budgets } = await costsOf(view.executionId);
  const agents = budgets.filter(({ kind }) => kind === 'agent').map(({ name, spentUsd }) => [name, spentUsd]);
  expect(agents.sort()).toEqual([
    ['first', 1.98],
    ['second', 0.45],
    ['third', 0.45],
  ]);
  await expectSettled(view.executionId, 2.88);
});

describe('under `ask` the second call', () => {
  /** It waits, and one approval asks for what it needs. */
  async function waiting(
    fields: object = { calls: 2 },
  ): Promise<{ readonly executionId: string; readonly approvalId: string }> {
    const { executionId } = await wfloJson<ExecutionView>(
      ...['run', 'spending-ask', '--budget', '0.10', '--input', JSON.stringify(input(fields))],
    );
    const asked = await eventually(
      () => approvalsOf(executionId),
      (approvals) => approvals.length === 1,
      'somebody is asked',
    );
    expect(asked).toMatchObject([
      {
        ...{ kind: 'budget', status: 'pending', stepPath: 'spend', groups: [] },
        roles: ['budget-owner', 'administrator'],
        raise: { limitUsd: 0.1, spentUsd: 0.09, heldUsd: 0, neededUsd: 0.09, byUsd: 0.08 },
      },
    ]);
    expect(provider.requests).toHaveLength(1);
    expect(await eventsOf(executionId, 'cost.exceeded')).toHaveLength(1);
    const approvalId = asked[0]?.approvalId ?? '';
    expect(await wfloJson('status', executionId)).toMatchObject({
      status: 'waiting_approval',
      budgetApprovals: [approvalId],
    });
    expect((await wflo('approvals', '--local')).stdout).toContain('$0.08 more for the execution');
    return { executionId, approvalId };
  }
  const approvalsOf = async (executionId: string, ...options: string[]) =>
    (await wfloJson<readonly ApprovalSummary[]>('approvals', ...options)).filter(
      (approval) => approval.executionId === executionId,
    );
  const completed = (executionId: string) =>
    eventually(
      () => wfloJson<ExecutionView>('status', executionId),
      ({ status }) => status === 'succeeded',
      'it goes on',
    );

  it('completes once a person has approved what it asks for, who is not the one that started it', async () => {
    const { executionId, approvalId } = await waiting();
    const own = await wflo('approve', executionId, '--local');
    expect(own.code).toBe(1);
    expect(own.stderr).toContain('requester_may_not_decide');
    const stranger = await wflo('approve', executionId, '--local', '--as', 'grace');
    expect(stranger.stderr).toContain('budget-owner');
    expect(await wfloJson('approve', executionId, '--as', 'joan')).toMatchObject({ approvalId, status: 'granted' });
    const view = await completed(executionId);
    expect(view).not.toHaveProperty('budgetApprovals');
    expect(resultsOf(view).map(({ status }) => status)).toEqual([200, 200]);
    expect(provider.requests).toHaveLength(2);
    expect(await eventsOf(executionId, 'budget.raised')).toMatchObject([
      { actor: { id: 'joan' }, data: { byNanoUsd: 80_000_000, limitNanoUsd: 180_000_000, approvalId } },
    ]);
    // A repeat changes nothing.
    expect(await wfloJson('approve', approvalId, '--as', 'joan')).toMatchObject({ status: 'granted' });
    expect(await budgetOf(executionId)).toMatchObject({ limitUsd: 0.18 });
    await expectSettled(executionId, 0.18);
  });

  it('is refused at once when a person says no', async () => {
    const { executionId } = await waiting();
    await wfloJson('reject', executionId, '--reason', 'dear enough', '--as', 'joan');
    const view = await completed(executionId);
    expect(resultsOf(view)).toMatchObject([{ status: 200 }, { status: 402, code: 'budget_exhausted' }]);
    expect(await approvalsOf(executionId, '--all')).toMatchObject([{ status: 'rejected' }]);
    expect(await eventsOf(executionId, 'budget.raised')).toEqual([]);
    await expectSettled(executionId, 0.09);
  });

  it('of twenty at the same time asks once, and a no refuses all that wait', async () => {
    const { executionId } = await waiting({ calls: 20, parallel: true });
    await wfloJson('reject', executionId, '--reason', 'dear enough', '--as', 'joan');
    const view = await completed(executionId);
    const statuses = resultsOf(view).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, ...Array(19).fill(402)]);
    expect(await eventsOf(executionId, 'approval.requested')).toHaveLength(1);
    await expectSettled(executionId, 0.09);
  });

  it('completes as well once somebody raised the budget, and nobody is asked any more', async () => {
    const { executionId } = await waiting();
    expect(await wflo('budget', 'raise', executionId, '0.10', '--local')).toMatchObject({ code: 1 });
    const raised = await wfloJson('budget', 'raise', executionId, '0.10', '--as', 'joan');
    expect(raised).toMatchObject({ limitUsd: 0.2 });
    expect(await approvalsOf(executionId, '--all')).toMatchObject([{ status: 'cancelled' }]);
    const view = await completed(executionId);
    expect(resultsOf(view).map(({ status }) => status)).toEqual([200, 200]);
    expect(provider.requests).toHaveLength(2);
    expect(await eventsOf(executionId, 'budget.raised')).toMatchObject([{ data: { byNanoUsd: 100_000_000 } }]);
    await expectSettled(executionId, 0.18);
  });
});
