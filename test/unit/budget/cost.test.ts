import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeCostOf, costOf, isOutput, worstCaseOf } from '../../../lib/budget/cost.ts';
import { nanoUsd, usd } from '../../../lib/budget/money.ts';
import type { ModelPrice, RateTier, TokenRates } from '../../../lib/budget/price-book.ts';
import { priceBook } from '../../../lib/budget/prices/book.ts';
import {
  FEE_CLASSES,
  type FeeClass,
  TOKEN_CLASSES,
  type TokenClass,
  type Usage,
  type UsageBound,
} from '../../../lib/budget/usage.ts';
import { cpuUnits, FARGATE_SIZES } from '../../../lib/sandbox/sizes.ts';

const price = (change: Partial<ModelPrice> = {}): ModelPrice => ({
  provider: 'openai',
  model: 'priced',
  contextWindow: 1_000_000,
  maxOutputTokens: 128_000,
  tiers: [
    {
      aboveInputTokens: 0,
      rates: { input: usd('2'), cacheRead: usd('0.2'), cacheWrite1h: usd('4'), output: usd('10') },
    },
    {
      aboveInputTokens: 200_000,
      rates: { input: usd('4'), cacheRead: usd('0.4'), cacheWrite1h: usd('8'), output: usd('15') },
    },
  ],
  fees: { webSearch: usd('0.01') },
  accepts: { images: true, documents: true, audio: false },
  source: 'a test',
  ...change,
});

describe('the cost of a call', () => {
  it('is every class at its rate, and every fee', () => {
    const usage: Usage = {
      tokens: { input: 1000, cacheRead: 10_000, cacheWrite1h: 500, output: 300 },
      fees: { webSearch: 2 },
      reasoningTokens: 200,
    };
    expect(costOf(usage, price())).toBe(2_000_000 + 2_000_000 + 2_000_000 + 3_000_000 + 20_000_000);
  });

  it('is that of the tier that all of the input reaches together, for all tokens', () => {
    const at = (input: number, cacheRead: number) => costOf({ tokens: { input, cacheRead, output: 1000 } }, price());
    expect(at(100_000, 100_000)).toBe(usd('0.2') + usd('0.02') + usd('0.01'));
    expect(at(100_001, 100_000)).toBe(usd('0.400004') + usd('0.04') + usd('0.015'));
  });

  it('is rounded up once, at the end', () => {
    // 0.2 nano-USD each: four of them are one, not four.
    const tiny = price({
      tiers: [{ aboveInputTokens: 0, rates: { input: nanoUsd(200_000), output: nanoUsd(200_000) } }],
    });
    expect(costOf({ tokens: { input: 1 } }, tiny)).toBe(1);
    expect(costOf({ tokens: { input: 2, output: 2 } }, tiny)).toBe(1);
    expect(costOf({ tokens: { input: 3, output: 3 } }, tiny)).toBe(2);
    expect(costOf({ tokens: {} }, tiny)).toBe(0);
  });

  it('is exact beyond what a float holds on the way', () => {
    const dear = price({ tiers: [{ aboveInputTokens: 0, rates: { input: nanoUsd(999_999_999_999) } }] });
    expect(costOf({ tokens: { input: 999_999_999 } }, dear)).toBe(999_999_998_999_001);
    expect(() => costOf({ tokens: { input: Number.MAX_SAFE_INTEGER } }, dear)).toThrow(
      expect.objectContaining({ code: 'invalid_money' }),
    );
  });

  it.each<[string, Usage]>([
    ['outputAudio', { tokens: { outputAudio: 1 } }],
    ['cacheWrite5m', { tokens: { input: 10, cacheWrite5m: 1 } }],
    ['codeInterpreter', { tokens: {}, fees: { codeInterpreter: 1 } }],
  ])('is unknown where %s is used and has no price', (feature, usage) => {
    expect(() => costOf(usage, price())).toThrow(
      expect.objectContaining({
        code: 'unpriced_feature',
        message: expect.stringContaining(feature),
        details: { provider: 'openai', model: 'priced', feature },
      }),
    );
  });

  it('needs no price for what is not used', () => {
    expect(costOf({ tokens: { outputAudio: 0 }, fees: { codeInterpreter: 0 } }, price())).toBe(0);
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('refuses %d tokens', (input) => {
    expect(() => costOf({ tokens: { input } }, price())).toThrow(RangeError);
  });
});

describe('the worst case of a call', () => {
  const bound = (change: Partial<UsageBound> = {}): UsageBound => ({
    inputTokens: 1000,
    inputClasses: ['input'],
    outputTokens: 100,
    outputClasses: ['output'],
    ...change,
  });

  it('takes the dearest class for all of the input', () => {
    expect(worstCaseOf(bound({ inputClasses: ['input', 'cacheRead', 'cacheWrite1h'] }), price())).toBe(
      usd('0.004') + usd('0.001'),
    );
  });

  it('takes the dearest tier that may be reached', () => {
    expect(worstCaseOf(bound({ inputTokens: 200_000 }), price())).toBe(usd('0.4') + usd('0.001'));
    expect(worstCaseOf(bound({ inputTokens: 200_001 }), price())).toBe(usd('0.800004') + usd('0.0015'));
    const cheaper = price({
      tiers: [
        { aboveInputTokens: 0, rates: { input: usd('4'), output: usd('4') } },
        { aboveInputTokens: 10, rates: { input: usd('1'), output: usd('1') } },
      ],
    });
    expect(worstCaseOf(bound(), cheaper)).toBe(usd('0.0044'));
  });

  it('reads no more than a window, once and after each use of a tool of the provider', () => {
    const small = price({ contextWindow: 1000 });
    expect(worstCaseOf(bound({ inputTokens: 50_000, outputTokens: 0 }), small)).toBe(usd('0.002'));
    const searching = bound({ inputTokens: 50_000, outputTokens: 0, fees: { webSearch: 3 } });
    expect(worstCaseOf(searching, small)).toBe(usd('0.008') + usd('0.03'));
  });

  it('has no window over the texts of an embedding', () => {
    const embedding = price({ contextWindow: 1000, maxOutputTokens: 0 });
    expect(worstCaseOf(bound({ inputTokens: 50_000, outputTokens: 0, outputClasses: [] }), embedding)).toBe(usd('0.1'));
  });

  it.each<[string, Partial<UsageBound>]>([
    ['inputAudio', { inputClasses: ['input', 'inputAudio'] }],
    ['outputImage', { outputClasses: ['output', 'outputImage'] }],
    ['fileSearch', { fees: { fileSearch: 1 } }],
  ])('is unknown where %s may be used and has no price', (feature, change) => {
    expect(() => worstCaseOf(bound(change), price())).toThrow(
      expect.objectContaining({ code: 'unpriced_feature', message: expect.stringContaining(feature) }),
    );
  });

  const INPUT = TOKEN_CLASSES.filter((token) => !isOutput(token));
  const OUTPUT = TOKEN_CLASSES.filter(isOutput);
  const rate = fc.integer({ min: 0, max: 600_000_000_000 }).map(nanoUsd);
  const rates = fc.record(Object.fromEntries(TOKEN_CLASSES.map((token) => [token, rate]))) as fc.Arbitrary<TokenRates>;
  const anyPrice = fc
    .record({
      tiers: fc.array(fc.tuple(fc.integer({ min: 1, max: 3000 }), rates), { maxLength: 3 }),
      first: rates,
      fees: fc.record(Object.fromEntries(FEE_CLASSES.map((fee) => [fee, rate]))),
      contextWindow: fc.integer({ min: 1, max: 4000 }),
      maxOutputTokens: fc.constantFrom(0, 4000),
    })
    .map(({ tiers, first, fees, contextWindow, maxOutputTokens }) => {
      const more = new Map(tiers);
      const above = [...more].sort(([a], [b]) => a - b);
      const all: RateTier[] = [[0, first] as const, ...above].map(([aboveInputTokens, rates]) => ({
        aboveInputTokens,
        rates,
      }));
      return price({ tiers: all, fees: fees as ModelPrice['fees'], contextWindow, maxOutputTokens });
    });
  /** Shares a whole number of tokens out over classes. */
  const spread = (total: number, classes: readonly TokenClass[], cuts: readonly number[]): Usage['tokens'] => {
    const tokens: { [K in TokenClass]?: number } = {};
    let left = total;
    classes.forEach((token, index) => {
      const part = index === classes.length - 1 ? left : Math.floor(left * (cuts[index] ?? 0));
      tokens[token] = part;
      left -= part;
    });
    return tokens;
  };
  const share = fc.double({ min: 0, max: 1, noNaN: true });

  it('is never below the cost of what is used within the bound', () => {
    fc.assert(
      fc.property(
        anyPrice,
        fc.record({
          inputTokens: fc.integer({ min: 0, max: 10_000 }),
          inputClasses: fc.subarray(INPUT, { minLength: 1 }),
          outputTokens: fc.integer({ min: 0, max: 10_000 }),
          outputClasses: fc.subarray(OUTPUT, { minLength: 1 }),
          fees: fc.record(
            Object.fromEntries(FEE_CLASSES.map((fee) => [fee, fc.integer({ min: 0, max: 5 })])) as {
              [K in FeeClass]: fc.Arbitrary<number>;
            },
          ),
        }),
        fc.record({ input: share, output: share, fees: share, cuts: fc.array(share, { minLength: 8, maxLength: 8 }) }),
        (priced, most, used) => {
          // What a model can read: a window for each time that it does, and any amount of embeddings.
          const times = 1 + most.fees.webSearch + most.fees.fileSearch + most.fees.codeInterpreter;
          const readable = priced.maxOutputTokens === 0 ? most.inputTokens : priced.contextWindow * times;
          const input = Math.floor(Math.min(most.inputTokens, readable) * used.input);
          const usage: Usage = {
            tokens: {
              ...spread(input, most.inputClasses, used.cuts),
              ...spread(Math.floor(most.outputTokens * used.output), most.outputClasses, used.cuts),
            },
            fees: Object.fromEntries(FEE_CLASSES.map((fee) => [fee, Math.floor(most.fees[fee] * used.fees)])),
          };
          expect(costOf(usage, priced)).toBeLessThanOrEqual(worstCaseOf(most, priced));
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('has a price for plain text with every model of the book', () => {
    for (const one of priceBook().models) {
      const text = bound({ outputTokens: one.maxOutputTokens, inputTokens: one.contextWindow });
      expect(worstCaseOf(text, one)).toBeGreaterThan(0);
    }
  });
});

describe('the cost of compute', () => {
  const { X86_64, ARM64 } = priceBook().fargate;

  it('is by the second, a minute at least', () => {
    expect(computeCostOf(X86_64, { cpuUnits: 1024, memoryMib: 1024 }, 3600)).toBe(40_480_000 + 4_445_000);
    expect(computeCostOf(X86_64, { cpuUnits: 256, memoryMib: 512 }, 3600)).toBe(12_342_500);
    expect(computeCostOf(ARM64, { cpuUnits: 256, memoryMib: 512 }, 3600)).toBe(9_875_000);
    const small = (seconds: number) => computeCostOf(X86_64, { cpuUnits: 256, memoryMib: 512 }, seconds);
    expect(small(0)).toBe(small(60));
    expect(small(60.2)).toBe(small(61));
    expect(small(61)).toBe(209_137);
  });

  it('is whole for every size, dearer on x86, and exact for a year', () => {
    for (const { cpu, memoryMib } of FARGATE_SIZES) {
      const size = { cpuUnits: cpuUnits(cpu), memoryMib };
      expect(computeCostOf(ARM64, size, 3600)).toBeLessThan(computeCostOf(X86_64, size, 3600));
    }
    // 16 vCPU and 120 GiB, of which a float would lose the end on the way.
    expect(computeCostOf(X86_64, { cpuUnits: 16_384, memoryMib: 122_880 }, 31_535_400)).toBe(10_346_063_953_334);
  });

  it('is nothing at rates of nothing', () => {
    const free = { vcpuHour: usd('0'), gibHour: usd('0') };
    expect(computeCostOf(free, { cpuUnits: 256, memoryMib: 512 }, 900)).toBe(0);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %d seconds', (seconds) => {
    expect(() => computeCostOf(X86_64, { cpuUnits: 256, memoryMib: 512 }, seconds)).toThrow(RangeError);
  });
});
