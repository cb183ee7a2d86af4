import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costOf } from '../../../../lib/budget/cost.ts';
import { nanoUsd, usd, ZERO_USD } from '../../../../lib/budget/money.ts';
import type { ModelPrice } from '../../../../lib/budget/price-book.ts';
import { lookupOf } from '../../../../lib/budget/prices/lookup.ts';
import type { Usage } from '../../../../lib/budget/usage.ts';
import type { ReportedUse } from '../../../../lib/model-calls/usage-report/report.ts';
import { type DayOfUse, residualOf } from '../../../../lib/model-calls/usage-report/residual.ts';
import { testPrices } from '../../../_helpers/test-prices.ts';

const models = lookupOf(testPrices());
function priceOf(provider: 'openai' | 'anthropic', model: string): ModelPrice {
  const price = models(provider, model);
  if (price === undefined) throw new Error(`${model} has no price`);
  return price;
}
const haiku = priceOf('anthropic', 'claude-haiku-4-5');
const HAIKU = 'claude-haiku-4-5-20251001';
const sonnet = priceOf('anthropic', 'claude-sonnet-4-5');
const SONNET = 'claude-sonnet-4-5-20250929';
const gpt = priceOf('openai', 'gpt-5.4');

const settled = (model: string, inputTokens: number, outputTokens: number) => ({ model, inputTokens, outputTokens });
const SETTLED = [settled('claude-haiku-4-5', 1000, 100)];
const reported = (model: string, tokens: Usage['tokens'], fees?: Usage['fees']): ReportedUse => ({
  model,
  tokens,
  ...(fees === undefined ? {} : { fees }),
});
const restOf = (day: Partial<DayOfUse>, held = usd(1), own = haiku) =>
  residualOf(held, own, { reported: [], settled: SETTLED, others: 0, ...day }, models);
const unclear = (reason: RegExp) => ({ kind: 'unclear', reason: expect.stringMatching(reason) });

describe('what a report has more than was settled', () => {
  it('is nothing: every call of that day costs nothing, however many they are', () => {
    const day = { reported: [reported(HAIKU, { input: 1000, output: 100 })], others: 7 };
    expect(restOf(day)).toEqual({ kind: 'at_most', cost: 0 });
  });

  it('is of the one call, to the nano-dollar', () => {
    const tokens = { input: 1000 + 333, output: 100 + 77 };
    const cost = costOf({ tokens: { input: 333, output: 77 } }, haiku);
    expect(restOf({ reported: [reported(HAIKU, tokens)] })).toEqual({ kind: 'at_most', cost });
    // Rows of one model are added up, and a dated version is the model that it is of.
    expect(
      restOf({
        reported: [reported(HAIKU, { input: 1000 }), reported('claude-haiku-4-5', { input: 333, output: 177 })],
      }),
    ).toEqual({ kind: 'at_most', cost });
  });

  it('is priced by the dearest kinds that the report has, and of each no more than it has', () => {
    const tokens = { input: 1000, cacheRead: 500, cacheWrite1h: 40, output: 100 };
    const rest = { input: 500, cacheWrite1h: 40 };
    expect(restOf({ reported: [reported(HAIKU, tokens)] })).toEqual({
      kind: 'at_most',
      cost: costOf({ tokens: rest }, haiku),
    });
  });

  it('is priced by the dearest tier that so much input can be in', () => {
    const settledOf = [settled('gpt-5.4', 10, 10)];
    const day = (input: number) => ({
      reported: [reported('gpt-5.4-2026-03-05', { input: 10 + input, output: 20 })],
      settled: settledOf,
    });
    expect(restOf(day(271_999), usd(9), gpt)).toEqual({
      kind: 'at_most',
      cost: costOf({ tokens: { input: 271_999, output: 10 } }, gpt),
    });
    expect(restOf(day(272_000), usd(9), gpt)).toEqual({
      kind: 'at_most',
      cost: costOf({ tokens: { input: 272_000, output: 10 } }, gpt),
    });
  });

  it('is of other models too: a call may have been served by another than was asked for', () => {
    const day = {
      reported: [reported(HAIKU, { input: 1000, output: 100 }), reported(SONNET, { input: 50, output: 5 })],
    };
    expect(restOf(day)).toEqual({ kind: 'at_most', cost: costOf({ tokens: { input: 50, output: 5 } }, sonnet) });
    expect(restOf({ ...day, settled: [...SETTLED, settled('claude-sonnet-4-5', 50, 5)] })).toEqual({
      kind: 'at_most',
      cost: 0,
    });
  });

  it('takes models of one price for one, since a provider calls them by names of its own', () => {
    const day = {
      reported: [reported('claude-sonnet-4-20250514', { input: 300, output: 30 })],
      settled: [settled('claude-sonnet-4-0', 200, 20)],
    };
    const own = priceOf('anthropic', 'claude-sonnet-4-0');
    expect(restOf(day, usd(1), own)).toEqual({
      kind: 'at_most',
      cost: costOf({ tokens: { input: 100, output: 10 } }, own),
    });
  });

  it('counts every use of a tool, which is not known of settled calls', () => {
    const day = { reported: [reported(HAIKU, { input: 1000, output: 100 }, { webSearch: 2 })] };
    expect(restOf(day)).toEqual({ kind: 'at_most', cost: costOf({ tokens: {}, fees: { webSearch: 2 } }, haiku) });
    expect(restOf(day, usd('0.01'))).toEqual(unclear(/more is left over than was held/));
  });

  it('leaves embeddings out of the report of what writes, and the other way round', () => {
    const own = priceOf('openai', 'text-embedding-3-small');
    const day = {
      reported: [reported('text-embedding-3-small', { input: 70 })],
      settled: [settled('text-embedding-3-small', 50, 0), settled('gpt-5.4', 1000, 1000)],
    };
    expect(restOf(day, usd(1), own)).toEqual({ kind: 'at_most', cost: costOf({ tokens: { input: 20 } }, own) });
  });

  it('is nothing yet where neither knows of anything', () => {
    expect(restOf({ settled: [] })).toEqual({ kind: 'nothing' });
    expect(restOf({ settled: [], reported: [reported(HAIKU, {})] })).toEqual({ kind: 'nothing' });
  });
});

describe('nobody knows', () => {
  const more = [reported(HAIKU, { input: 2000, output: 200 })];
  it.each<[string, Partial<DayOfUse>, RegExp]>([
    ['of two calls which is what', { reported: more, others: 1 }, /^2 calls whose cost is not known share/],
    ['where the report has less input', { reported: [reported(HAIKU, { input: 999, output: 100 })] }, /has less of/],
    ['where the report has less output', { reported: [reported(HAIKU, { input: 1000, output: 99 })] }, /has less of/],
    [
      'where more input hides that it has less output',
      { reported: [reported(HAIKU, { input: 2000, output: 99 })] },
      /has less of/,
    ],
    ['where the report has nothing of what was settled', {}, /has less of/],
    [
      'where other models hide that it has less',
      { reported: [reported(HAIKU, { input: 900, output: 100 }), reported(SONNET, { input: 500 })] },
      /has less of/,
    ],
    ['where nothing was settled to know the report by', { reported: more, settled: [] }, /recognised/],
    [
      'whose name it is',
      { reported: [...more, reported('claude-next', { input: 1 })] },
      /claude-next, which has no price/,
    ],
    [
      'what was settled at a price that is gone',
      { reported: more, settled: [...SETTLED, settled('claude-gone', 1, 1)] },
      /claude-gone were settled/,
    ],
    [
      'what a kind without a price costs',
      { reported: [reported(HAIKU, { inputAudio: 2000, output: 100 })] },
      /no price/,
    ],
    [
      'what a use without a price costs',
      { reported: [reported(HAIKU, { input: 1000, output: 100 }, { codeInterpreter: 1 })] },
      /codeInterpreter, which has no price/,
    ],
  ])('%s', (_name, day, reason) => {
    expect(restOf(day)).toEqual(unclear(reason));
  });

  it('whose the rest is where it is more than was held', () => {
    const cost = costOf({ tokens: { input: 1000, output: 100 } }, haiku);
    expect(restOf({ reported: more }, cost)).toEqual({ kind: 'at_most', cost });
    expect(restOf({ reported: more }, nanoUsd(cost - 1))).toEqual(unclear(/more is left over than was held/));
  });

  it('how many requests there were, where each has a price', () => {
    const own = { ...haiku, fees: { request: usd('0.01') } };
    expect(restOf({ reported: more }, usd(1), own)).toEqual(unclear(/each request/));
  });
});

describe('never too little', () => {
  const tokens = fc.integer({ min: 0, max: 400_000 });
  const used = fc.record({
    model: fc.constantFrom(HAIKU, SONNET, 'claude-sonnet-4-20250514'),
    tokens: fc.record({
      input: tokens,
      cacheRead: tokens,
      cacheWrite5m: tokens,
      cacheWrite1h: tokens,
      output: tokens,
    }),
  });
  const inputOf = ({ tokens: of }: ReportedUse) =>
    (of.input ?? 0) + (of.cacheRead ?? 0) + (of.cacheWrite5m ?? 0) + (of.cacheWrite1h ?? 0);

  it('whatever was used beside it, before and after the day, and however the report adds it up', () => {
    fc.assert(
      fc.property(used, fc.array(used, { minLength: 1 }), fc.array(used), (call, settledUses, unsettledUses) => {
        const own = priceOf('anthropic', call.model);
        const rest = residualOf(
          usd(1_000_000),
          own,
          {
            reported: [call, ...settledUses, ...unsettledUses],
            settled: settledUses.map((use) => settled(use.model, inputOf(use), use.tokens.output ?? 0)),
            others: 0,
          },
          models,
        );
        if (rest.kind === 'unclear') {
          expect(rest.reason).toMatch(/recognised/);
          return;
        }
        expect(rest.kind === 'at_most' ? rest.cost : -1).toBeGreaterThanOrEqual(costOf(call, own));
      }),
    );
  });

  it('and exact where it is the only one, of one kind of input', () => {
    const plain = fc.record({ input: tokens, output: tokens });
    const some = fc.record({ input: fc.integer({ min: 1, max: 400_000 }), output: tokens });
    fc.assert(
      fc.property(plain, fc.array(some, { minLength: 1 }), (call, others) => {
        const rest = residualOf(
          usd(1_000_000),
          haiku,
          {
            reported: [call, ...others].map((each) => reported(HAIKU, each)),
            settled: others.map(({ input, output }) => settled('claude-haiku-4-5', input, output)),
            others: 0,
          },
          models,
        );
        expect(rest).toEqual({ kind: 'at_most', cost: costOf({ tokens: call }, haiku) });
      }),
    );
  });

  it('and never above what was held', () => {
    fc.assert(
      fc.property(fc.array(used, { minLength: 1 }), fc.integer({ min: 0, max: 2_000_000_000 }), (uses, held) => {
        const rest = restOf({ reported: [reported(HAIKU, { input: 1000, output: 100 }), ...uses] }, nanoUsd(held));
        if (rest.kind === 'at_most') expect(rest.cost).toBeLessThanOrEqual(held);
        expect(rest.kind).not.toBe('nothing');
      }),
    );
    expect(restOf({ reported: [reported(HAIKU, { input: 1000, output: 100 })] }, ZERO_USD)).toMatchObject({ cost: 0 });
  });
});
