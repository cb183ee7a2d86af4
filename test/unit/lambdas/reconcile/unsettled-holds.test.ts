import { beforeEach, describe, expect, it } from 'vitest';
import { unsettledHolds } from '../../../../lambdas/reconcile/checks/unsettled-holds.ts';
import { costOf } from '../../../../lib/budget/cost.ts';
import { usd } from '../../../../lib/budget/money.ts';
import { lookupOf } from '../../../../lib/budget/prices/lookup.ts';
import { WfloError } from '../../../../lib/errors.ts';
import type { RecordedUsage } from '../../../../lib/ports.ts';
import { EXECUTION_ID, ExecutionScene } from '../../../_helpers/execution-scene.ts';
import { memoryLedger } from '../../../_helpers/fakes/memory-ledger.ts';
import { testPrices } from '../../../_helpers/test-prices.ts';

const prices = testPrices();
const NOVA = 'amazon.nova-lite-v1:0';
const usage = { tokens: { input: 1000, output: 200 } };
const used: RecordedUsage = { kind: 'used', usage, raw: { requestId: 'r' } };

let scene: ExecutionScene;
let ledger: ReturnType<typeof memoryLedger>;
/** What is recorded, by the id of the hold. */
let recorded: Map<string, RecordedUsage | Error>;
let asked: string[];
let left: string[];

beforeEach(async () => {
  scene = new ExecutionScene();
  ledger = memoryLedger({ clock: scene.clock });
  recorded = new Map();
  asked = [];
  left = [];
  scene.clock.set('2026-01-01T00:00:00.000Z');
  await ledger.openExecution({
    executionId: EXECUTION_ID,
    tenant: 'default',
    workflow: 'report',
    limit: usd(50),
    agents: {},
    alertsAt: [],
    windows: {},
  });
});

const run = (remainingMs = 50_000) =>
  unsettledHolds.run({
    ...scene,
    ledger,
    records: {
      ledger,
      prices,
      records: {
        async usageOf({ holdId }, { model }) {
          asked.push(`${holdId} ${model}`);
          const answer = recorded.get(holdId);
          if (answer instanceof Error) throw answer;
          return answer;
        },
      },
      leftToPerson: ({ holdId }, reason) => void left.push(`${holdId}: ${reason}`),
    },
    resumeApprovals: async () => {},
    remainingMs: () => remainingMs,
  });

async function unsettled(holdId: string, purpose: { provider?: string; model?: string; priceBook?: string } = {}) {
  await ledger.reserve({
    holdId,
    kind: 'call',
    payer: {
      tenant: 'default',
      workflow: 'report',
      executionId: EXECUTION_ID,
      path: 'write',
      attempt: 1,
      agent: 'write',
    },
    purpose: { provider: 'bedrock', model: NOVA, priceBook: prices.sha256, ...purpose },
    amount: usd(1),
    leaseEpoch: 1,
  });
  expect(await ledger.unsettle(EXECUTION_ID, holdId, 'the stream broke')).toBe(true);
  scene.clock.advance(1);
}

const state = async (holdId: string) => (await ledger.getHold(EXECUTION_ID, holdId))?.state;
const budget = () => ledger.getScope({ kind: 'execution', executionId: EXECUTION_ID });
const FINE = { repaired: 0, failures: [] };

describe('calls of which nobody knows the cost', () => {
  it('are settled by what is recorded, and what was held too much is free again', async () => {
    await unsettled('one');
    await unsettled('late');
    recorded.set('one', used);
    expect(await run()).toEqual(FINE);
    const price = lookupOf(prices)('bedrock', NOVA);
    const cost = price === undefined ? undefined : costOf(usage, price);
    expect(cost).toBeGreaterThan(0);
    const { items } = await ledger.listEntries(EXECUTION_ID, { limit: 5 });
    expect(items).toMatchObject([{ holdId: 'one', source: 'reconciled', cost, usage, raw: { requestId: 'r' } }]);
    expect(await budget()).toMatchObject({ spent: cost, held: usd(1) });
    expect(left).toEqual([]);
  });

  it('are looked up at once, then every ten minutes, for three days; all of it stays held meanwhile and after', async () => {
    await unsettled('one');
    await run();
    await run();
    expect(asked).toHaveLength(1);
    let looks = 1;
    for (const until = Date.parse('2026-01-03T23:40:00.000Z'); scene.clock.now().getTime() < until; looks += 1) {
      scene.clock.advance(601);
      await run();
      expect(asked).toHaveLength(looks + 1);
    }
    expect(left).toEqual([]);
    scene.clock.advance(1201);
    await run();
    expect(asked).toHaveLength(looks + 1);
    expect(left).toEqual(['one: its provider has recorded nothing of it']);
    scene.clock.advance(24 * 60 * 60);
    expect(await run()).toEqual(FINE);
    expect(asked).toHaveLength(looks + 1);
    expect(await state('one')).toBe('unsettled');
    expect((await ledger.unsettledHolds('default', { limit: 5 })).items).toHaveLength(1);
    expect(await budget()).toMatchObject({ spent: 0, held: usd(1) });
  });

  it('are settled once, also by two runs at the same time and beside a person', async () => {
    await unsettled('one');
    recorded.set('one', used);
    await Promise.all([run(), run(), run()]);
    expect((await ledger.listEntries(EXECUTION_ID, { limit: 5 })).items).toHaveLength(1);
    await unsettled('two');
    recorded.set('two', used);
    const seen = await ledger.holdsToLookUp(scene.clock.now(), 5);
    await ledger.settle({ executionId: EXECUTION_ID, holdId: 'two', cost: usd(1), source: 'person' });
    ledger.holdsToLookUp = async () => seen;
    expect(await run()).toEqual(FINE);
    expect((await ledger.listEntries(EXECUTION_ID, { limit: 5 })).items).toMatchObject([
      { holdId: 'one', source: 'reconciled' },
      { holdId: 'two', source: 'person' },
    ]);
  });

  it.each<[string, { model?: string; priceBook?: string }, RecordedUsage, RegExp]>([
    ['unclear records', {}, { kind: 'unclear', reason: 'two of them' }, /^one: two of them$/],
    ['other prices', { priceBook: 'b'.repeat(64) }, used, /other prices/],
    ['a model without a price', { model: 'amazon.gone-v1:0' }, used, /no price/],
    [
      'something without a price',
      {},
      { kind: 'used', usage: { tokens: { input: 1, outputAudio: 1 } }, raw: null },
      /outputAudio/,
    ],
  ])('are left to a person, and not looked up again: %s', async (_name, purpose, record, reason) => {
    await unsettled('one', purpose);
    recorded.set('one', record);
    expect(await run()).toEqual(FINE);
    expect(left).toEqual([expect.stringMatching(reason)]);
    scene.clock.advance(60 * 60);
    await run();
    expect(left).toHaveLength(1);
    expect(await state('one')).toBe('unsettled');
  });

  it('are spent in full where they cost more than was held: the ledger tells whoever counts that', async () => {
    await unsettled('one');
    recorded.set('one', { kind: 'used', usage: { tokens: { output: 100_000_000 } }, raw: null });
    await run();
    const [entry] = (await ledger.listEntries(EXECUTION_ID, { limit: 5 })).items;
    expect(entry?.cost).toBeGreaterThan(entry?.held ?? 0);
  });

  it('of providers without such records are not looked for', async () => {
    await unsettled('one', { provider: 'gemini', model: 'gemini-2.5-flash' });
    expect(await run()).toEqual(FINE);
    expect(asked).toEqual([]);
  });

  it('of which only sums are recorded cost what they cost at most, and tell no usage, which is of another day', async () => {
    await unsettled('one');
    recorded.set('one', { kind: 'at_most', cost: usd('0.25'), raw: { reported: 1 } });
    expect(await run()).toEqual(FINE);
    const { items } = await ledger.listEntries(EXECUTION_ID, { limit: 5 });
    expect(items).toMatchObject([{ source: 'reconciled', cost: usd('0.25'), raw: { reported: 1 } }]);
    expect(items[0]).not.toHaveProperty('usage');
    expect(await ledger.listCosts('default', { from: '2026-01-01', to: '2026-01-02' })).toMatchObject([
      { cost: usd('0.25'), inputTokens: 0, outputTokens: 0 },
    ]);
    expect(await budget()).toMatchObject({ spent: usd('0.25'), held: 0 });
  });

  it('of which nothing can be said before a time are not looked up until then', async () => {
    await unsettled('one');
    recorded.set('one', { kind: 'later', at: '2026-01-03T01:00:00.000Z' });
    await run();
    scene.clock.set('2026-01-03T00:59:00.000Z');
    await run();
    expect(asked).toHaveLength(1);
    scene.clock.set('2026-01-03T01:00:01.000Z');
    await run();
    expect(asked).toHaveLength(2);
    expect(left).toEqual([]);
    recorded.set('one', { kind: 'later', at: '2026-01-05T00:00:00.000Z' });
    scene.clock.set('2026-01-04T00:00:01.000Z');
    await run();
    expect(left).toEqual(['one: its provider has recorded nothing of it']);
    scene.clock.set('2026-01-09T00:00:00.000Z');
    await run();
    expect(asked).toHaveLength(3);
    expect(await state('one')).toBe('unsettled');
  });

  it('one that fails is looked up again behind the others, which it does not keep', async () => {
    await unsettled('first');
    await unsettled('second');
    const busy = new Error('throttled');
    recorded.set('first', busy).set('second', used);
    expect(await run()).toMatchObject({ failures: [busy] });
    expect(await state('second')).toBe('settled');
    expect(await run()).toEqual(FINE);
    recorded.set('first', used);
    scene.clock.advance(601);
    expect(await run()).toEqual(FINE);
    expect(await state('first')).toBe('settled');
  });

  it('one whose settlement fails stays in full, and is looked up again', async () => {
    await unsettled('one');
    recorded.set('one', used);
    const settle = ledger.settle.bind(ledger);
    const busy = new WfloError('ledger_busy', 'too many');
    ledger.settle = async () => {
      throw busy;
    };
    expect(await run()).toMatchObject({ failures: [busy] });
    ledger.settle = settle;
    scene.clock.advance(601);
    expect(await run()).toEqual(FINE);
    expect(await state('one')).toBe('settled');
  });

  it('wait for the next run where there is no time', async () => {
    await unsettled('one');
    expect(await run(5_000)).toEqual({ ...FINE, cutOff: true });
    expect(asked).toEqual([]);
  });

  it('are left alone where no records are set up', async () => {
    await unsettled('one');
    ledger.failure = new WfloError('ledger_unreachable', 'not even asked');
    const ports = { ...scene, ledger, resumeApprovals: async () => {}, remainingMs: () => 50_000 };
    expect(await unsettledHolds.run(ports)).toEqual(FINE);
  });
});
