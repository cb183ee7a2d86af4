import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { usd } from '../../../../lib/budget/money.ts';
import { LIMIT_FACTS, PROVIDERS, type PriceBook, type Provider } from '../../../../lib/budget/price-book.ts';
import { priceBook } from '../../../../lib/budget/prices/book.ts';
import { fargatePrices } from '../../../../lib/budget/prices/fargate.ts';
import { entriesOf, limitSourcesOf, lookupOf, nearModels } from '../../../../lib/budget/prices/lookup.ts';
import { TOKEN_CLASSES } from '../../../../lib/budget/usage.ts';
import { canonicalJson, sha256 } from '../../../../lib/json.ts';
import { generateBook } from '../../../../scripts/price-book/generate-book.ts';

const book = priceBook();
const lookup = lookupOf(book);
const ratesOf = (provider: Provider, model: string) => lookup(provider, model)?.tiers.map(({ rates }) => rates);

describe('the committed price book', () => {
  it('is what the installed package and the reviewed models make', () => {
    expect(book, 'run npm run prices:update').toEqual(generateBook());
  });

  it('has the hash of everything else in it, and compute has the same', () => {
    const { sha256: hash, ...rest } = book;
    expect(hash).toBe(sha256(canonicalJson(rest)));
    expect(fargatePrices()).toEqual({ rates: book.fargate, priceBook: hash });
    expect(generateBook().sha256).toBe(hash);
  });

  it('has whole amounts, tiers that rise, and a rate for all that a call may use', () => {
    for (const price of book.models) {
      const { tiers, accepts, maxOutputTokens, contextWindow, fees } = price;
      expect(tiers[0]?.aboveInputTokens).toBe(0);
      expect(tiers.map((tier) => tier.aboveInputTokens)).toEqual(
        [...new Set(tiers.map((tier) => tier.aboveInputTokens))].sort((a, b) => a - b),
      );
      for (const { rates } of tiers) {
        for (const amount of [...Object.values(rates), ...Object.values(fees)]) {
          expect(Number.isSafeInteger(amount) && amount >= 0).toBe(true);
        }
        expect(rates.input).toBeGreaterThan(0);
        if (maxOutputTokens > 0) expect(rates.output).toBeGreaterThan(0);
        if (accepts.audio) expect(rates.inputAudio).toBeGreaterThan(0);
        // A call that reaches a higher tier must not be unpriced there.
        expect(Object.keys(rates).sort()).toEqual(Object.keys(tiers[0]?.rates ?? {}).sort());
        expect(TOKEN_CLASSES).toEqual(expect.arrayContaining(Object.keys(rates)));
      }
      expect(contextWindow).toBeGreaterThanOrEqual(maxOutputTokens);
      expect(price.source).toMatch(/^genai-prices 0\.1\.8: /);
    }
  });

  it('has a source for the window, the ceiling and the input of every model, or says what is unverified', () => {
    for (const price of book.models) {
      const { maxOutputTokens, accepts, unverified, limits = [] } = price;
      const sources = limitSourcesOf(book, price);
      expect(sources, 'every key is in the book').toHaveLength(limits.length);
      expect(sources.length).toBeGreaterThan(0);
      const facts = sources.flatMap(({ of }) => of);
      const needed = ['window'];
      if (maxOutputTokens > 0) needed.push('output');
      if (accepts.images || accepts.documents || accepts.audio) needed.push('accepts');
      if (accepts.maxTokensPerImage !== undefined) needed.push('image');
      const missing = needed.filter((fact) => !(facts as string[]).includes(fact));
      if (unverified === undefined) expect(missing, price.model).toEqual([]);
      else expect(unverified.length).toBeGreaterThan(20);
    }
  });

  it('has sources that can be looked up, and each is of some model', () => {
    const used = new Set(book.models.flatMap(({ limits = [] }) => limits));
    const sources = book.limitSources ?? {};
    expect(Object.keys(sources).filter((key) => !used.has(key))).toEqual([]);
    for (const { at, of, date } of Object.values(sources)) {
      expect(at.length).toBeGreaterThan(5);
      expect(of.length).toBeGreaterThan(0);
      expect(LIMIT_FACTS).toEqual(expect.arrayContaining([...of]));
      if (date !== undefined) expect(date).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    }
  });

  it('has the limits that the providers document where lists or memory had others', () => {
    const limits = (provider: Provider, model: string) => {
      const price = lookup(provider, model);
      return [price?.contextWindow, price?.maxOutputTokens];
    };
    expect(limits('openai', 'gpt-4')).toEqual([8192, 8192]);
    expect(limits('openai', 'gpt-5-pro')).toEqual([400_000, 272_000]);
    expect(limits('openai', 'gpt-5.4-mini')).toEqual([400_000, 128_000]);
    expect(limits('anthropic', 'claude-sonnet-4-6')).toEqual([1_000_000, 128_000]);
    expect(limits('bedrock', 'meta.llama4-scout-17b-instruct-v1:0')).toEqual([10_485_760, 8192]);
    expect(lookup('gemini', 'gemini-2.0-flash')?.accepts).toEqual({ images: true, documents: false, audio: true });
  });

  it('has every name once, of every provider', () => {
    const names = book.models.map(({ provider, model }) => `${provider}/${model}`);
    expect(names).toEqual([...new Set(names)].sort());
    for (const provider of PROVIDERS) expect(book.models.some((price) => price.provider === provider)).toBe(true);
  });

  it('knows each family', () => {
    const known: readonly [Provider, string][] = [
      ['openai', 'gpt-5.6'],
      ['openai', 'gpt-5-mini'],
      ['openai', 'gpt-4.1'],
      ['openai', 'o3'],
      ['openai', 'text-embedding-3-small'],
      ['anthropic', 'claude-opus-5-5'],
      ['anthropic', 'claude-haiku-4-5-20251001'],
      ['gemini', 'gemini-2.5-pro'],
      ['gemini', 'gemini-3.8-flash'],
      ['bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'],
      ['bedrock', 'eu.anthropic.claude-sonnet-5'],
      ['bedrock', 'global.anthropic.claude-opus-5-5'],
      ['bedrock', 'us.amazon.nova-pro-v1:0'],
      ['bedrock', 'us.meta.llama3-3-70b-instruct-v1:0'],
    ];
    for (const [provider, model] of known) expect(lookup(provider, model)?.model, model).toBe(model);
  });

  it('has the rates of each lifetime of a cache, in the classes that the provider reports', () => {
    expect(ratesOf('anthropic', 'claude-opus-4-5')?.[0]).toMatchObject({
      cacheRead: usd('0.5'),
      cacheWrite5m: usd('6.25'),
      cacheWrite1h: usd(10),
    });
    // The package has only the five minutes, and prices an hour as that.
    expect(ratesOf('bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0')?.[0]).toMatchObject({
      input: usd('3.3'),
      cacheWrite5m: usd('4.125'),
      cacheWrite1h: usd('6.6'),
    });
    expect(ratesOf('openai', 'gpt-5.6')?.[0]).toMatchObject({ input: usd(4), cacheWrite30m: usd(5) });
    expect(ratesOf('openai', 'gpt-5.6')?.[0]).not.toHaveProperty('cacheWrite5m');
  });

  it('has the dearest of the rates of its day and of those that are announced', () => {
    // 0.75 until the end of 2026, 1.50 from then on.
    expect(ratesOf('gemini', 'gemini-3.6-flash')?.[0]).toMatchObject({ input: usd('1.5'), output: usd('7.5') });
    // 10 until June 2025, 2 since.
    expect(ratesOf('openai', 'o3')?.[0]).toMatchObject({ input: usd(2) });
  });

  it('has the tiers of long requests', () => {
    expect(lookup('gemini', 'gemini-2.5-pro')?.tiers.map((tier) => [tier.aboveInputTokens, tier.rates.input])).toEqual([
      [0, usd('1.25')],
      [200_000, usd('2.5')],
    ]);
  });

  it('has fees for one use', () => {
    expect(lookup('anthropic', 'claude-opus-5')?.fees).toEqual({ webSearch: usd('0.01') });
    expect(lookup('openai', 'gpt-5')?.fees).toEqual({ webSearch: usd('0.01'), fileSearch: usd('0.0025') });
    expect(lookup('openai', 'gpt-4o')?.fees.webSearch).toBe(usd('0.025'));
  });

  it('is an exact list: the package would take these', () => {
    expect(lookup('anthropic', 'claude-haiku-4-5-20991231')).toBeUndefined();
    expect(lookup('openai', 'gpt-5-nano-2099-01-01')).toBeUndefined();
    expect(lookup('openai', 'GPT-5')).toBeUndefined();
    expect(lookup('openai', 'claude-opus-5')).toBeUndefined();
    expect(lookup('bedrock', 'xx.amazon.nova-pro-v1:0')).toBeUndefined();
    expect(lookup('openai', '__proto__')).toBeUndefined();
  });
});

describe('the generator', () => {
  const reviewed = {
    provider: 'openai',
    entry: 'gpt-5',
    names: ['gpt-5'],
    maxOutputTokens: 128_000,
    accepts: { images: false, documents: false, audio: false },
    corrections: [],
    limits: [{ key: 'page', at: 'example.com/gpt-5', of: ['window', 'output'] }],
  } as const;

  it.each([
    ['a model that the package does not have', { entry: 'gpt-99', names: ['gpt-99'] }, 'gpt-99 is not in'],
    ['a name that the package prices as another model', { names: ['gpt-5', 'gpt-5-mini'] }, 'is priced as gpt-5-mini'],
    ['a name that the package does not price', { names: ['gpt-5-other'] }, 'is priced as nothing'],
    ['a model without a window', { entry: 'gpt-4.5-preview', names: ['gpt-4.5-preview'] }, 'has no context window'],
    ['audio without a rate', { accepts: { images: false, documents: false, audio: true } }, 'accepts audio'],
    [
      'output without a rate',
      { entry: 'text-embedding-3-small', names: ['text-embedding-3-small'] },
      'no rate for output',
    ],
  ])('refuses %s', (_what, change, message) => {
    expect(() => generateBook([{ ...reviewed, ...change }])).toThrow(message);
  });

  it.each([
    ['no source at all', { limits: [] }, 'has no source for window, output'],
    ['no source for the ceiling', { limits: [{ key: 'page', at: 'example.com', of: ['window'] }] }, 'for output'],
    ['no source for what it accepts', { accepts: { images: true, documents: false, audio: false } }, 'for accepts'],
    [
      'no source for the most of an image',
      {
        accepts: { images: true, documents: false, audio: false, maxTokensPerImage: 9 },
        limits: [{ key: 'page', at: 'example.com', of: ['window', 'output', 'accepts'] }],
      },
      'for image',
    ],
  ] as const)('refuses a model with %s, but for a reason', (_what, change, message) => {
    const unsourced = { ...reviewed, ...change };
    expect(() => generateBook([unsourced])).toThrow(message);
    const [price] = generateBook([{ ...unsourced, unverified: 'nobody has found a page of it' }]).models;
    expect(price?.unverified).toBe('nobody has found a page of it');
  });

  it('has each source once, and those of fees only for a model with fees', () => {
    const fees = { key: 'fees', at: 'example.com/fees', of: ['fees'] } as const;
    const limits = [...reviewed.limits, fees];
    const generated = generateBook([
      { ...reviewed, limits },
      { ...reviewed, entry: 'o1', names: ['o1'], limits },
    ]);
    expect(generated.models.map(({ model, limits }) => [model, limits])).toEqual([
      ['gpt-5', ['page', 'fees']],
      ['o1', ['page']],
    ]);
    expect(generated.limitSources).toEqual({
      fees: { at: 'example.com/fees', of: ['fees'] },
      page: { at: 'example.com/gpt-5', of: ['window', 'output'] },
    });
  });

  it('refuses a model that is reviewed twice', () => {
    expect(() => generateBook([reviewed, reviewed])).toThrow('openai/gpt-5 is reviewed twice');
  });

  it('takes the rates that hold on the day', () => {
    const o3 = { ...reviewed, entry: 'o3', names: ['o3'] };
    const inputOn = (day: string) => generateBook([o3], day).models[0]?.tiers[0]?.rates.input;
    expect(inputOn('2025-06-10')).toBe(usd(2));
    expect(inputOn('2025-06-09')).toBe(usd(10));
  });
});

describe('finding a model', () => {
  it('finds every provider that sells one of the name', () => {
    const twice: PriceBook = {
      ...book,
      models: [
        ...entriesOf(book, 'gpt-5'),
        ...entriesOf(book, 'gpt-5').map((price) => ({ ...price, provider: 'bedrock' as const })),
      ],
    };
    expect(entriesOf(twice, 'gpt-5').map(({ provider }) => provider)).toEqual(['openai', 'bedrock']);
  });

  it('tells near names for a message, of one provider or of all', () => {
    expect(nearModels(book, 'anthropic', 'claude-opus-5-20991231')).toContain('claude-opus-5');
    expect(nearModels(book, undefined, 'claude-sonnet-4-5')[0]).toBe('claude-sonnet-4-5');
    expect(nearModels(book, 'openai', 'gpt5-mini')).toContain('gpt-5-mini');
    expect(nearModels(book, 'openai', 'claude-sonnet-4-5')).toEqual([]);
    expect(nearModels(book, undefined, '')).toEqual([]);
    expect(nearModels(book, undefined, 'x')).toEqual([]);
    expect(nearModels(book, undefined, 'gpt-5').length).toBeLessThanOrEqual(5);
  });

  it('is not slow for a name of any length', () => {
    const started = performance.now();
    nearModels(book, undefined, 'claude-'.repeat(100_000));
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

it('is small enough for a bundle', () => {
  const text = readFileSync(new URL('../../../../lib/budget/prices/book.json', import.meta.url), 'utf8');
  expect(JSON.stringify(JSON.parse(text)).length).toBeLessThan(150_000);
});
