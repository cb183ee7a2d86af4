import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unsettledHolds } from '../../../../lambdas/reconcile/checks/unsettled-holds.ts';
import type { ReconcilePorts } from '../../../../lambdas/reconcile/ports.ts';
import { recordsByProvider } from '../../../../lambdas/reconcile/records-by-provider.ts';
import { reportGet } from '../../../../lambdas/reconcile/report-get.ts';
import { costOf } from '../../../../lib/budget/cost.ts';
import type { Hold } from '../../../../lib/budget/ledger.ts';
import { usd } from '../../../../lib/budget/money.ts';
import type { Provider } from '../../../../lib/budget/price-book.ts';
import { lookupOf } from '../../../../lib/budget/prices/lookup.ts';
import { usageReportRecords } from '../../../../lib/model-calls/usage-report/usage-records.ts';
import { FakeClock } from '../../../_helpers/fakes/fake-clock.ts';
import { EXECUTION_ID } from '../../../_helpers/gateway-scene.ts';
import { type ProviderCall, providerCalls } from '../../../_helpers/provider-calls.ts';
import { type ServedGateway, servedGateway } from '../../../_helpers/served-gateway.ts';
import { testPrices } from '../../../_helpers/test-prices.ts';

/**
 * A call breaks off in front of a provider, and reconcile settles it by the report of that provider: gateway, report and
 * check are what is deployed, over HTTP; the ledger is in memory and the clock is moved.
 */
const prices = testPrices();
const models = lookupOf(prices);
const NOON = '2026-01-10T12:00:00.000Z';
/** A day after the end of the hour that follows the day. */
const DUE = '2026-01-12T01:00:00.000Z';
const ADMIN = 'sk-admin-of-the-test';

let clock: FakeClock;
let one: ServedGateway;
let access: { adminKey: string; baseUrl: string; scope?: string } | undefined;
let accessReads: number;
let problems: string[];
let left: string[];

/** The lease of the agent begins with the clock, and ends 15 minutes later. */
async function begin(at: string): Promise<void> {
  clock = new FakeClock(at);
  one = await servedGateway({ clock, budget: { limit: usd(1000) } });
  one.provider.now = () => clock.now();
  access = { adminKey: ADMIN, baseUrl: one.provider.url };
}

beforeEach(async () => {
  await begin(NOON);
  [accessReads, problems, left] = [0, [], []];
});
afterEach(() => one.close());

const [chat, responses, claude, embeddings] = [
  'openai-chat of scripted-1, streamed',
  'openai-responses of scripted-1, streamed',
  'anthropic-messages of claude-sonnet-4-5, streamed',
  'openai-embeddings of text-embedding-3-small',
].map((name) => {
  const call = providerCalls('Say something.', 100).find((each) => each.name === name);
  if (call === undefined) throw new Error(name);
  return call;
}) as [ProviderCall, ProviderCall, ProviderCall, ProviderCall];

async function answered(call: ProviderCall, tokens: object): Promise<void> {
  one.provider.enqueue(tokens);
  await (await one.ask(call)).arrayBuffer();
  await one.served.idle();
}

/** The client goes away in the middle, as an agent that is ended does: what the model went on to say is not seen. */
async function broken(call: ProviderCall, tokens: object): Promise<string> {
  const before = new Set((await one.ledger.listHolds(EXECUTION_ID)).map(({ holdId }) => holdId));
  one.provider.enqueue({ ...tokens, usage: 'none', breakAfterEvent: 1 });
  await (await one.ask(call)).arrayBuffer().catch(() => undefined);
  await one.served.idle();
  const hold = (await one.ledger.listHolds(EXECUTION_ID)).find(({ holdId }) => !before.has(holdId));
  if (hold === undefined) throw new Error('the call was settled');
  return hold.holdId;
}

async function run(tenants: readonly string[] = ['default']) {
  const reports = usageReportRecords({
    clock,
    access: async () => {
      accessReads += 1;
      return access;
    },
    get: reportGet,
    ledger: one.ledger,
    budgets: one.ledger,
    tenants: async () => tenants,
    prices,
    problem: (provider, reason) => void problems.push(`${provider}: ${reason}`),
  });
  return unsettledHolds.run({
    clock,
    ledger: one.ledger,
    records: {
      records: recordsByProvider({ openai: reports, anthropic: reports }),
      ledger: one.ledger,
      prices,
      leftToPerson: (_hold: Hold, reason: string) => void left.push(reason),
    },
    remainingMs: () => 60_000,
  } as unknown as ReconcilePorts);
}

const stateOf = async (holdId: string) => (await one.ledger.getHold(EXECUTION_ID, holdId))?.state;
const entryOf = async (id: string) =>
  (await one.ledger.listEntries(EXECUTION_ID, { limit: 50 })).items.find(({ holdId }) => holdId === id);
const reports = () => one.provider.requests.filter(({ method }) => method === 'GET').length;
function priceOf(provider: Provider, model: string) {
  const price = models(provider, model);
  if (price === undefined) throw new Error(`${model} has no price`);
  return price;
}
const FINE = { repaired: 0, failures: [] };

describe('a call that broke off', () => {
  it.each([
    ['OpenAI', responses, priceOf('openai', 'scripted-1'), 'scripted-1-2026-01-01'],
    ['Anthropic', claude, priceOf('anthropic', 'claude-sonnet-4-5'), 'claude-sonnet-4-5-20250929'],
  ])(
    'of %s costs what its report has more, to the nano-dollar, and what was held too much is free',
    async (_name, call, price, dated) => {
      one.provider.reportsAs = () => dated;
      await answered(call, { inputTokens: 1000, outputTokens: 40 });
      const holdId = await broken(call, { inputTokens: 321, outputTokens: 54 });
      const [spent, held] = [await one.spent(), await one.held()];
      expect(await run()).toEqual(FINE);
      expect([await stateOf(holdId), reports()]).toEqual(['unsettled', 0]);
      clock.set(DUE);
      expect(await run()).toEqual(FINE);
      const cost = costOf({ tokens: { input: 321, output: 54 } }, price);
      expect(await entryOf(holdId)).toMatchObject({ source: 'reconciled', cost, held });
      expect(await entryOf(holdId)).toMatchObject({
        raw: {
          from: '2026-01-09T23:00:00.000Z',
          to: '2026-01-11T01:00:00.000Z',
          reported: { [dated]: { input: 1321, output: 94 } },
          settled: { [price.model]: { input: 1000, output: 40 } },
        },
      });
      expect([await one.spent(), await one.held()]).toEqual([spent + cost, 0]);
      expect([problems, left]).toEqual([[], []]);
    },
  );

  it('costs no more than the kinds of input in the report do', async () => {
    await answered(claude, { inputTokens: 1000, cacheReadTokens: 1000, outputTokens: 40 });
    const holdId = await broken(claude, { inputTokens: 500, cacheWriteTokens: 200, outputTokens: 10 });
    clock.set(DUE);
    await run();
    const price = priceOf('anthropic', 'claude-sonnet-4-5');
    const cost = costOf({ tokens: { input: 300, cacheWrite5m: 200, output: 10 } }, price);
    expect(await entryOf(holdId)).toMatchObject({ cost });
  });

  it('is not looked up before its day is over for a day, and then once an hour, without its key before', async () => {
    access = undefined;
    await answered(responses, { inputTokens: 10, outputTokens: 10 });
    const holdId = await broken(responses, { inputTokens: 10, outputTokens: 10 });
    clock.advance(1);
    await run();
    clock.set('2026-01-12T00:59:59.000Z');
    await run();
    expect(accessReads).toBe(0);
    clock.set('2026-01-12T01:00:01.000Z');
    await run();
    clock.advance(3590);
    await run();
    expect(accessReads).toBe(1);
    clock.advance(20);
    access = { adminKey: ADMIN, baseUrl: one.provider.url };
    await run();
    expect(accessReads).toBe(2);
    expect(await stateOf(holdId)).toBe('settled');
  });

  it('stays in full where nobody set up an admin key, and is left to a person after three days', async () => {
    access = undefined;
    const holdId = await broken(responses, { inputTokens: 10, outputTokens: 10 });
    const held = await one.held();
    for (clock.advance(1); clock.now() < new Date('2026-01-14T00:00:00.000Z'); clock.advance(1801)) await run();
    expect(left).toEqual(['its provider has recorded nothing of it']);
    expect([await stateOf(holdId), await one.held(), problems]).toEqual(['unsettled', held, []]);
    expect(accessReads).toBeLessThan(40);
  });

  it('costs nothing where the report has nothing more, however many did', async () => {
    await answered(responses, { inputTokens: 1000, outputTokens: 40 });
    const uses = one.provider.uses.length;
    const holds = [await broken(responses, {}), await broken(responses, {})];
    // Never reached the model.
    one.provider.uses.length = uses;
    clock.set(DUE);
    await run();
    for (const holdId of holds) expect(await entryOf(holdId)).toMatchObject({ cost: 0, source: 'reconciled' });
    expect(await one.held()).toBe(0);
    // The report of that day was read once for both.
    expect(reports()).toBe(1);
  });

  it('is one of two: nobody knows which of them used what', async () => {
    await answered(responses, { inputTokens: 1000, outputTokens: 40 });
    const holds = [
      await broken(responses, { inputTokens: 10, outputTokens: 10 }),
      await broken(responses, { inputTokens: 20, outputTokens: 20 }),
    ];
    const held = await one.held();
    clock.set(DUE);
    await run();
    expect(await Promise.all(holds.map(stateOf))).toEqual(['unsettled', 'unsettled']);
    expect(await one.held()).toBe(held);
    expect(left).toEqual(Array(2).fill('2 calls whose cost is not known share what is left over'));
    clock.advance(24 * 3600);
    await run();
    expect(left).toHaveLength(2);
  });

  it('of OpenAI is not one of two with an embedding, which is in another report', async () => {
    await answered(responses, { inputTokens: 1000, outputTokens: 40 });
    await answered(embeddings, { inputTokens: 30 });
    const text = await broken(responses, { inputTokens: 10, outputTokens: 10 });
    const embedding = await broken(embeddings, { inputTokens: 3 });
    clock.set(DUE);
    await run();
    const cost = costOf({ tokens: { input: 3 } }, priceOf('openai', 'text-embedding-3-small'));
    expect(await entryOf(embedding)).toMatchObject({ cost, source: 'reconciled' });
    expect(await stateOf(text)).toBe('settled');
  });

  it('at midnight is in the report on either side of it', async () => {
    await one.close();
    await begin('2026-01-10T23:59:50.000Z');
    await answered(responses, { inputTokens: 1000, outputTokens: 40 });
    const holdId = await broken(responses, { inputTokens: 10, outputTokens: 10 });
    // It was counted when it ended.
    const [use] = one.provider.uses.slice(-1);
    if (use === undefined) throw new Error('no use');
    one.provider.uses.splice(-1, 1, { ...use, at: Date.parse('2026-01-11T00:04:00.000Z') });
    clock.set(DUE);
    await run();
    expect(await entryOf(holdId)).toMatchObject({
      cost: costOf({ tokens: { input: 10, output: 10 } }, priceOf('openai', 'scripted-1')),
    });
  });

  it('stays where calls right after midnight are in its report: it may be any of them', async () => {
    await answered(responses, { inputTokens: 1000, outputTokens: 40 });
    const holdId = await broken(responses, { inputTokens: 10, outputTokens: 10 });
    clock.set('2026-01-11T00:10:00.000Z');
    const [use] = one.provider.uses;
    if (use === undefined) throw new Error('no use');
    one.provider.uses.push(...Array.from({ length: 50 }, () => ({ ...use, at: clock.now().getTime() })));
    clock.set(DUE);
    await run();
    expect(await stateOf(holdId)).toBe('unsettled');
    expect(left).toEqual([expect.stringMatching(/more is left over than was held/)]);
  });

  it('is not hidden behind an estimate, whose tokens are more than there were', async () => {
    const { tools: _, ...body } = chat.body;
    const plain = { ...chat, body: { ...body, model: 'gpt-4o-mini' } };
    await answered(plain, { inputTokens: 1000, outputTokens: 40 });
    // All of this one is seen, so that its bytes bound it: the estimate has more tokens of output than the report.
    await answered(plain, { inputTokens: 5, outputTokens: 2, usage: 'none' });
    const entries = await one.entries();
    expect(entries.find(({ source }) => source === 'estimated')?.usage?.tokens.output).toBeGreaterThan(10);
    const holdId = await broken(plain, { inputTokens: 10, outputTokens: 40 });
    clock.set(DUE);
    await run();
    // What was estimated counts as its own, since nobody knows better: it is never too little.
    const cost = costOf({ tokens: { input: 15, output: 42 } }, priceOf('openai', 'gpt-4o-mini'));
    expect(await entryOf(holdId)).toMatchObject({ cost });
  });
});

describe('a report', () => {
  async function due(tokens = { inputTokens: 10, outputTokens: 10 }): Promise<string> {
    await answered(responses, { inputTokens: 1000, outputTokens: 40 });
    const holdId = await broken(responses, tokens);
    clock.set(DUE);
    return holdId;
  }

  it.each([429, 500, 503])(
    'that is refused with %i is asked for again an hour later, and says nothing',
    async (status) => {
      const holdId = await due();
      one.provider.reportStatuses.push(status);
      expect(await run()).toEqual(FINE);
      expect([await stateOf(holdId), problems, left]).toEqual(['unsettled', [], []]);
      clock.advance(3601);
      await run();
      expect(await stateOf(holdId)).toBe('settled');
    },
  );

  it.each([401, 403])('that is refused with %i is a problem of a person, and asked for again', async (status) => {
    const holdId = await due();
    one.provider.reportStatuses.push(status);
    expect(await run()).toEqual(FINE);
    expect(problems).toEqual([`openai: the usage report was answered with status ${status}`]);
    expect([await stateOf(holdId), left]).toEqual(['unsettled', []]);
    clock.advance(3601);
    await run();
    expect(await stateOf(holdId)).toBe('settled');
  });

  it('that is refused is asked for once in a run, for all holds of its day, and told once', async () => {
    const holds = [await due()];
    clock.set(NOON);
    holds.push(await broken(responses, {}), await broken(responses, {}));
    clock.set(DUE);
    one.provider.reportStatuses.push(401);
    await run();
    expect([reports(), problems]).toEqual([1, ['openai: the usage report was answered with status 401']]);
    expect(await Promise.all(holds.map(stateOf))).toEqual(Array(3).fill('unsettled'));
  });

  it('that nobody answers is asked for again', async () => {
    const holdId = await due();
    access = { adminKey: ADMIN, baseUrl: 'http://127.0.0.1:1' };
    expect(await run()).toEqual(FINE);
    expect([await stateOf(holdId), problems, left]).toEqual(['unsettled', [], []]);
  });

  it('of the project of the key is all that is asked for, with the admin key in its header alone', async () => {
    access = { adminKey: ADMIN, baseUrl: one.provider.url, scope: 'proj_scripted' };
    const holdId = await due();
    await run();
    expect(await stateOf(holdId)).toBe('settled');
    const [request] = one.provider.requests.filter(({ method }) => method === 'GET');
    expect(request?.headers.authorization).toBe(`Bearer ${ADMIN}`);
    expect(request?.path).not.toContain(ADMIN);
    expect(Object.fromEntries(new URL(`http://x${request?.path}`).searchParams)).toMatchObject({
      bucket_width: '1h',
      project_ids: 'proj_scripted',
      start_time: String(Date.parse('2026-01-09T23:00:00.000Z') / 1000),
      end_time: String(Date.parse('2026-01-11T01:00:00.000Z') / 1000),
    });
    expect(JSON.stringify((await one.entries()).map(({ raw }) => raw))).not.toContain(ADMIN);
  });

  it('of another project frees nothing', async () => {
    access = { adminKey: ADMIN, baseUrl: one.provider.url, scope: 'proj_other' };
    const holdId = await due();
    await run();
    expect(await stateOf(holdId)).toBe('unsettled');
    expect(left).toEqual([expect.stringMatching(/the report has less of scripted-1/)]);
  });

  it('of another project frees nothing where the call was the only one of its day', async () => {
    access = { adminKey: ADMIN, baseUrl: one.provider.url, scope: 'proj_other' };
    const holdId = await broken(responses, { inputTokens: 10, outputTokens: 10 });
    clock.set(DUE);
    await run();
    expect([await stateOf(holdId), left]).toEqual(['unsettled', []]);
    access = { adminKey: ADMIN, baseUrl: one.provider.url };
    clock.advance(3601);
    await run();
    expect(await stateOf(holdId)).toBe('unsettled');
    expect(left).toEqual([expect.stringMatching(/recognised as its own/)]);
  });

  it('is compared with what all tenants settled', async () => {
    const holdId = await due();
    const payer = { tenant: 'other', workflow: 'w', executionId: 'w:other', path: 's', attempt: 1, agent: 's' };
    clock.set(NOON);
    await one.ledger.openExecution({
      ...{
        executionId: 'w:other',
        tenant: 'other',
        workflow: 'w',
        limit: usd(1000),
        agents: {},
        alertsAt: [],
        windows: {},
      },
    });
    await one.ledger.reserve({
      ...{ holdId: 'theirs', kind: 'compute', payer, amount: usd(9) },
      purpose: { provider: 'openai', model: 'scripted-1', priceBook: prices.sha256 },
    });
    const usage = { tokens: { input: 5000, output: 5000 } };
    await one.ledger.settle({
      ...{ executionId: 'w:other', holdId: 'theirs', cost: usd(1), source: 'reported', usage },
    });
    const [use] = one.provider.uses;
    if (use === undefined) throw new Error('no use');
    one.provider.uses.push({ ...use, tokens: { ...use.tokens, input: 5000, uncached: 5000, output: 5000 } });
    clock.set(DUE);
    await run(['default', 'other']);
    const cost = costOf({ tokens: { input: 10, output: 10 } }, priceOf('openai', 'scripted-1'));
    expect(await entryOf(holdId)).toMatchObject({ cost });
  });

  it('settles a call once, also in two runs at the same time', async () => {
    const holdId = await due();
    await Promise.all([run(), run()]);
    const { items } = await one.ledger.listEntries(EXECUTION_ID, { limit: 50 });
    expect(items.filter((entry) => entry.holdId === holdId)).toHaveLength(1);
  });
});

it('of a provider without records nothing is known', async () => {
  const records = recordsByProvider({ openai: { usageOf: async () => ({ kind: 'unclear', reason: 'x' }) } });
  const hold = (provider: string) => ({ purpose: { provider } }) as Hold;
  const price = priceOf('openai', 'scripted-1');
  expect(await records.usageOf(hold('openai'), price)).toMatchObject({ kind: 'unclear' });
  for (const provider of ['bedrock', 'gemini', 'toString']) {
    expect(await records.usageOf(hold(provider), price)).toBeUndefined();
  }
});
