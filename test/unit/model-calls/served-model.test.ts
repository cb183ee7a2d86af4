import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { lookupOf } from '../../../lib/budget/prices/lookup.ts';
import { priceOfServed, servedAsPriced } from '../../../lib/model-calls/served-model.ts';
import { testPrices } from '../../_helpers/test-prices.ts';
import { lookup, priceOf, rates } from './call.ts';

const price = priceOf({ provider: 'openai', model: 'gpt-4o' });
const same = priceOf({ provider: 'openai', model: 'gpt-4o-latest' });
const dearer = priceOf({
  provider: 'openai',
  model: 'gpt-4o-2024-05-13',
  tiers: [{ aboveInputTokens: 0, rates: rates({ input: 5, output: 15 }) }],
});
const models = lookup(price, same, dearer);

test.each([
  ['gpt-4o', true],
  ['gpt-4o-2024-08-06', true],
  ['gpt-4o-0613', true],
  ['gpt-4o-001', true],
  ['gpt-4o-preview-09-2025', true],
  ['gpt-4o-latest', true],
  ['gpt-4o-2024-05-13', false],
  ['gpt-4o-mini', false],
  ['gpt-4o-mini-2024-07-18', false],
  ['gpt-4', false],
  ['gpt-4o-pro', false],
  ['', false],
])('%s costs what gpt-4o costs: %s', (served, expected) => {
  expect(servedAsPriced(price, served, models)).toBe(expected);
});

test.each([
  ['gpt-4o', 'gpt-4o'],
  ['gpt-4o-2024-08-06', 'gpt-4o'],
  ['gpt-4o-preview-09-2025', 'gpt-4o'],
  ['gpt-4o-2024-05-13', 'gpt-4o-2024-05-13'],
  ['gpt-4o-latest-001', 'gpt-4o-latest'],
  ['gpt-4o-mini-2024-07-18', undefined],
  ['gpt-4o-', undefined],
  ['', undefined],
])('%s has the price of %s', (served, expected) => {
  expect(priceOfServed('openai', served, models)?.model).toBe(expected);
});

test('what is taken for a model that was asked for has its price, for every name in the price book', () => {
  const book = testPrices();
  const all = lookupOf(book);
  for (const asked of book.models.filter(({ provider }) => provider === 'openai' || provider === 'anthropic')) {
    for (const { provider, model } of book.models.filter((each) => each.provider === asked.provider)) {
      for (const served of [model, `${model}-2027-01-01`, `${model}-20270101`]) {
        if (!servedAsPriced(asked, served, all)) continue;
        const found = priceOfServed(provider, served, all);
        expect(isDeepStrictEqual([found?.tiers, found?.fees], [asked.tiers, asked.fees]), served).toBe(true);
      }
    }
  }
});
