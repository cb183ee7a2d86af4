import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { usd } from '../../../../lib/budget/money.ts';
import { priceBook } from '../../../../lib/budget/prices/book.ts';
import { entryName } from '../../../../lib/budget/prices/book-hash.ts';
import { lookupOf } from '../../../../lib/budget/prices/lookup.ts';
import { readPriceOverrides, withOverrides } from '../../../../lib/budget/prices/overrides.ts';
import { canonicalJson, sha256 } from '../../../../lib/json.ts';

const MODEL = {
  provider: 'openai',
  model: 'our-model',
  contextWindow: 200_000,
  maxOutputTokens: 100_000,
  tiers: [{ aboveInputTokens: 0, dollarsPerMillionTokens: { input: '30', output: '60' } }],
  dollarsPerUse: { webSearch: '0.01' },
  accepts: { images: false, documents: false, audio: false },
  reason: 'agreed with the provider',
};
const read = (value: unknown) => readPriceOverrides(value, 'prices.json');
const refusal = (value: unknown): string => {
  try {
    read(value);
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_prices', fix: expect.stringContaining('docs/guides/prices.md') });
    return (error as Error).message;
  }
  throw new Error('it was taken');
};

describe('prices of a deployment', () => {
  it('are read exactly, with where they are from', () => {
    expect(read({ models: [MODEL] }).models).toEqual([
      {
        provider: 'openai',
        model: 'our-model',
        contextWindow: 200_000,
        maxOutputTokens: 100_000,
        tiers: [{ aboveInputTokens: 0, rates: { input: 30_000_000_000, output: 60_000_000_000 } }],
        fees: { webSearch: 10_000_000 },
        accepts: { images: false, documents: false, audio: false },
        source: 'prices.json: agreed with the provider',
      },
    ]);
  });

  it('add models, and replace entries as a whole, under a hash of their own', () => {
    const book = priceBook();
    const merged = withOverrides(book, read({ models: [MODEL, { ...MODEL, model: 'gpt-5' }] }));
    expect(merged.models).toHaveLength(book.models.length + 1);
    expect(lookupOf(merged)('openai', 'our-model')?.source).toBe('prices.json: agreed with the provider');
    expect(lookupOf(merged)('openai', 'gpt-5')?.tiers[0]?.rates).toEqual({ input: usd(30), output: usd(60) });
    expect(merged.models.map(entryName)).toEqual(merged.models.map(entryName).sort());
    const { sha256: hash, ...rest } = merged;
    expect(hash).toBe(sha256(canonicalJson(rest)));
    expect(hash).not.toBe(book.sha256);
    // JSON has no undefined: what is hashed is what arrives.
    expect(JSON.parse(JSON.stringify(merged))).toEqual(merged);
  });

  it('replace the rates of one architecture, also by nothing', () => {
    const free = { dollarsPerVcpuHour: '0', dollarsPerGibHour: '0', reason: 'a test' };
    const merged = withOverrides(priceBook(), read({ fargate: { ARM64: free } }));
    expect(merged.fargate.ARM64).toEqual({ vcpuHour: 0, gibHour: 0 });
    expect(merged.fargate.X86_64).toEqual(priceBook().fargate.X86_64);
    expect(merged.sha256).not.toBe(priceBook().sha256);
  });

  it('are as the guide shows them', () => {
    const guide = readFileSync(new URL('../../../../docs/guides/prices.md', import.meta.url), 'utf8');
    const example = [...guide.matchAll(/```json\n(.*?)```/gs)]
      .map(([, text = '']) => JSON.parse(text))
      .find((one) => one.models);
    const merged = withOverrides(priceBook(), read(example));
    expect(lookupOf(merged)('openai', 'our-own-model')?.tiers[1]?.rates.output).toBe(usd(10));
    expect(merged.fargate.ARM64.vcpuHour).toBe(usd('0.05'));
  });

  it('may be none: the book stays as it is', () => {
    expect(withOverrides(priceBook(), read({}))).toEqual(priceBook());
  });

  const tier = (aboveInputTokens: number, rates: object) => ({ aboveInputTokens, dollarsPerMillionTokens: rates });
  const RATES = { input: '1', output: '2' };
  it.each<[string, unknown, string]>([
    ['no object', [], 'the file'],
    ['no object at all', null, 'the file'],
    ['an unknown field of the file', { model: [] }, 'model'],
    ['an unknown field', { models: [{ ...MODEL, currency: 'EUR' }] }, 'currency'],
    ['a field too few', { models: [{ ...MODEL, contextWindow: undefined }] }, 'contextWindow'],
    ['no reason', { models: [{ ...MODEL, reason: ' ' }] }, 'reason'],
    ['an unknown provider', { models: [{ ...MODEL, provider: 'acme' }] }, 'provider'],
    ['a name with a space', { models: [{ ...MODEL, model: 'a b' }] }, '.model'],
    ['no tiers', { models: [{ ...MODEL, tiers: [] }] }, 'tiers'],
    [
      'a tier that does not begin at 0',
      { models: [{ ...MODEL, tiers: [tier(5, RATES)] }] },
      'tiers[0].aboveInputTokens',
    ],
    [
      'tiers that do not rise',
      { models: [{ ...MODEL, tiers: [tier(0, RATES), tier(0, RATES)] }] },
      'tiers[1].aboveInputTokens',
    ],
    [
      'no rate for input',
      { models: [{ ...MODEL, tiers: [tier(0, { output: '1' })] }] },
      'dollarsPerMillionTokens.input',
    ],
    [
      'no rate for output',
      { models: [{ ...MODEL, tiers: [tier(0, { input: '1' })] }] },
      'dollarsPerMillionTokens.output',
    ],
    [
      'no rate for audio that is accepted',
      { models: [{ ...MODEL, accepts: { images: false, documents: false, audio: true } }] },
      'dollarsPerMillionTokens.inputAudio',
    ],
    [
      'a rate that a higher tier lacks',
      { models: [{ ...MODEL, tiers: [tier(0, { ...RATES, cacheRead: '1' }), tier(9, RATES)] }] },
      'tiers[1].dollarsPerMillionTokens.cacheRead',
    ],
    [
      'an unknown class',
      { models: [{ ...MODEL, tiers: [tier(0, { ...RATES, thinking: '1' })] }] },
      'dollarsPerMillionTokens',
    ],
    [
      'a number for money',
      { models: [{ ...MODEL, tiers: [tier(0, { ...RATES, input: 1 })] }] },
      'dollarsPerMillionTokens.input',
    ],
    [
      'less than nothing',
      { models: [{ ...MODEL, tiers: [tier(0, { ...RATES, input: '-1' })] }] },
      'dollarsPerMillionTokens.input',
    ],
    [
      'too many decimals',
      { models: [{ ...MODEL, dollarsPerUse: { webSearch: '0.0000000001' } }] },
      'dollarsPerUse.webSearch',
    ],
    ['an unknown architecture', { fargate: { RISCV: {} } }, 'fargate'],
    [
      'half of the rates of compute',
      { fargate: { ARM64: { dollarsPerVcpuHour: '1', reason: 'x' } } },
      'fargate.ARM64.dollarsPerGibHour',
    ],
  ])('are refused with entry and field for %s', (_what, value, field) => {
    const message = refusal(value);
    expect(message).toContain('prices.json: ');
    expect(message).toContain(field);
  });

  it('are refused with the name of the model, and all problems at once', () => {
    const message = refusal({ models: [MODEL, { ...MODEL, model: 'other', contextWindow: 0, maxOutputTokens: -1 }] });
    expect(message.split('\n')).toHaveLength(2);
    expect(message).toContain('models[1] (openai/other).contextWindow');
    expect(message).toContain('models[1] (openai/other).maxOutputTokens');
  });

  it('are refused where an entry is there twice', () => {
    expect(refusal({ models: [MODEL, MODEL] })).toContain('openai/our-model: it is there twice');
  });
});
