import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { PriceBook } from '../../../lib/budget/price-book.ts';
import { priceBook } from '../../../lib/budget/prices/book.ts';
import type { FargatePrices } from '../../../lib/budget/prices/fargate.ts';
import { appContextValue } from '../../../lib/project/app-context.ts';
import { buildFunctions } from '../../../lib/project/build-functions.ts';
import { projectPriceBook } from '../../../lib/project/project-prices.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

const prices = resolve(import.meta.dirname, '../../../lib/budget/prices');
const OVERRIDES = {
  models: [
    {
      provider: 'openai',
      model: 'scripted-1',
      contextWindow: 1_000_000,
      maxOutputTokens: 100_000,
      tiers: [{ aboveInputTokens: 0, dollarsPerMillionTokens: { input: '30', output: '60' } }],
      accepts: { images: false, documents: false, audio: false },
      reason: 'a test',
    },
  ],
  fargate: {
    X86_64: { dollarsPerVcpuHour: '0', dollarsPerGibHour: '0', reason: 'a test' },
    ARM64: { dollarsPerVcpuHour: '0', dollarsPerGibHour: '0', reason: 'a test' },
  },
};

interface Bundles {
  readonly book: PriceBook;
  readonly fargate: FargatePrices;
  readonly fargateBytes: number;
  readonly fargateText: string;
}

/** A function with the book, and one with compute alone, as they are when they run. */
async function bundle(book?: PriceBook): Promise<Bundles> {
  const dir = temporaryFolder();
  mkdirSync(join(dir, 'source'));
  const entry = (name: string, from: string): string => {
    const file = join(dir, 'source', `${name}.ts`);
    writeFileSync(file, `import { ${name} } from '${join(prices, from)}'; export const found = ${name}();`);
    return file;
  };
  const out = join(dir, 'out');
  const entries = {
    'lambdas/book': entry('priceBook', 'book.ts'),
    'lambdas/fargate': entry('fargatePrices', 'fargate.ts'),
  };
  await buildFunctions(dir, out, entries, book);
  const file = (name: string) => join(out, 'lambdas', name, 'index.mjs');
  const load = async <T>(name: string): Promise<T> => (await import(pathToFileURL(file(name)).href)).found;
  return {
    book: await load('book'),
    fargate: await load('fargate'),
    fargateBytes: statSync(file('fargate')).size,
    fargateText: readFileSync(file('fargate'), 'utf8'),
  };
}

describe('the prices in bundles', () => {
  it('are those of the committed book where nothing else is said', async () => {
    const { book, fargate } = await bundle();
    expect(book).toEqual(priceBook());
    expect(fargate).toEqual({ rates: priceBook().fargate, priceBook: priceBook().sha256 });
  });

  it('are those of the deployment, with one hash everywhere', async () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'prices.json'), JSON.stringify(OVERRIDES));
    const merged = await projectPriceBook(dir, 'prices.json');
    const { book, fargate } = await bundle(merged);
    expect(book).toEqual(merged);
    expect(book.sha256).not.toBe(priceBook().sha256);
    expect(book.models.find(({ model }) => model === 'scripted-1')?.tiers[0]?.rates).toEqual({
      input: 30_000_000_000,
      output: 60_000_000_000,
    });
    expect(fargate).toEqual({ rates: merged.fargate, priceBook: merged.sha256 });
    expect(fargate.rates.ARM64).toEqual({ vcpuHour: 0, gibHour: 0 });
  });

  it('are no models where compute is all that is needed', async () => {
    const { fargateBytes, fargateText } = await bundle();
    expect(fargateBytes).toBeLessThan(2048);
    expect(fargateText).not.toContain('claude');
  });
});

describe('the file of the deployment', () => {
  it('is looked for in the project, also below it', async () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'settings'));
    writeFileSync(join(dir, 'settings/prices.json'), '{}');
    expect(await projectPriceBook(dir, 'settings/prices.json')).toEqual(priceBook());
    expect(await projectPriceBook(dir, undefined)).toBe(priceBook());
  });

  it.each([7, '', 'prices.yaml', '/etc/prices.json', '../prices.json', 'a/../../prices.json', null, ['prices.json']])(
    'is not %j',
    async (value) => {
      await expect(projectPriceBook(temporaryFolder(), value)).rejects.toMatchObject({
        code: 'invalid_settings',
        message: `the context value wflo:prices is ${JSON.stringify(value)}`,
        fix: expect.stringContaining('wflo:prices'),
      });
    },
  );

  it.each([
    ['is not there', undefined],
    ['is no JSON', '{'],
  ])('is refused where it %s', async (_what, text) => {
    const dir = temporaryFolder();
    if (text !== undefined) writeFileSync(join(dir, 'prices.json'), text);
    await expect(projectPriceBook(dir, 'prices.json')).rejects.toMatchObject({
      code: 'invalid_prices',
      message: expect.stringContaining('prices.json cannot be read as JSON'),
    });
  });

  it('is refused with entry and field where a price is none', async () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'prices.json'), '{"models":[{"provider":"openai","model":"m"}]}');
    await expect(projectPriceBook(dir, 'prices.json')).rejects.toMatchObject({
      code: 'invalid_prices',
      message: expect.stringContaining('prices.json: models[0] (openai/m).contextWindow'),
    });
  });
});

describe('the context of an app', () => {
  it('is read as CDK reads it', async () => {
    const file = join(temporaryFolder(), 'overflow.json');
    writeFileSync(file, JSON.stringify({ 'wflo:prices': 'more.json' }));
    expect(await appContextValue('wflo:prices', {})).toBeUndefined();
    const CDK_CONTEXT_JSON = JSON.stringify({ 'wflo:prices': 'prices.json', 'wflo:stage': 'dev' });
    expect(await appContextValue('wflo:prices', { CDK_CONTEXT_JSON })).toBe('prices.json');
    const env = { CDK_CONTEXT_JSON, CONTEXT_OVERFLOW_LOCATION_ENV: file };
    expect(await appContextValue('wflo:prices', env)).toBe('more.json');
    expect(await appContextValue('wflo:stage', env)).toBe('dev');
  });
});
