import { expect, test } from 'vitest';
import { servedAsPriced } from '../../../lib/model-calls/served-model.ts';
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
