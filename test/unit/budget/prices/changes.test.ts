import { describe, expect, it } from 'vitest';
import { usd } from '../../../../lib/budget/money.ts';
import type { ModelPrice, PriceBook } from '../../../../lib/budget/price-book.ts';
import { priceBook } from '../../../../lib/budget/prices/book.ts';
import { entriesOf } from '../../../../lib/budget/prices/lookup.ts';
import { changesBetween, unverifiedIn } from '../../../../scripts/price-book/changes.ts';

const one = entriesOf(priceBook(), 'gemini-2.5-pro')[0] as ModelPrice;
const book = (...models: readonly ModelPrice[]): PriceBook => ({ ...priceBook(), models });

describe('what another book changes', () => {
  it('is nothing for the same, or for another version of the package alone', () => {
    expect(changesBetween(priceBook(), priceBook())).toEqual([]);
    expect(changesBetween(book(one), book({ ...one, source: one.source.replace('0.1.8', '0.1.9') }))).toEqual([]);
  });

  it('is models that come and go', () => {
    const other = { ...one, model: 'gemini-9' };
    expect(changesBetween(book(one), book(other))).toEqual([
      { entry: 'gemini/gemini-2.5-pro', what: 'removed', before: '$1.25', after: '-' },
      { entry: 'gemini/gemini-9', what: 'added', before: '-', after: '$1.25' },
    ]);
  });

  it('is each rate, fee, limit and reason, old and new', () => {
    const [first, second] = one.tiers;
    if (first === undefined || second === undefined) throw new Error('the model has two tiers');
    const changed: ModelPrice = {
      ...one,
      maxOutputTokens: 9,
      tiers: [first, { ...second, rates: { ...second.rates, output: usd('15.5') } }],
      fees: { webSearch: usd('0.035') },
      source: 'prices.json: agreed',
    };
    expect(changesBetween(book(one), book(changed)).map(({ what, before, after }) => [what, before, after])).toEqual([
      ['output above 200000', '$15.00', '$15.50'],
      ['maxOutputTokens', '65536', '9'],
      ['source', one.source.replace(' 0.1.8', ''), 'prices.json: agreed'],
      ['webSearch', '-', '$0.035'],
    ]);
  });

  it('is what was read for the limits, and what is still to be looked up', () => {
    const read = (at: string): PriceBook => ({ ...book(one), limitSources: { page: { at, of: ['window'] } } });
    expect(changesBetween(read('example.com/a'), read('example.com/b'))).toEqual([
      { entry: 'limits/page', what: 'at', before: 'example.com/a', after: 'example.com/b' },
    ]);
    const doubted = book({ ...one, limits: ['page'], unverified: 'the page is gone' });
    expect(changesBetween(book({ ...one, limits: ['page', 'list'] }), doubted).map((change) => change.what)).toEqual([
      'limits',
      'unverified',
    ]);
  });

  it('is compute too', () => {
    const dearer: PriceBook = {
      ...priceBook(),
      fargate: { ...priceBook().fargate, ARM64: { vcpuHour: usd('0.04'), gibHour: priceBook().fargate.ARM64.gibHour } },
    };
    expect(changesBetween(priceBook(), dearer)).toEqual([
      { entry: 'fargate/ARM64', what: 'vcpuHour', before: '$0.03238', after: '$0.04' },
    ]);
  });
});

it('lists what a person still has to look up, each reason once', () => {
  const doubt = (model: string, unverified?: string): ModelPrice => ({
    ...one,
    model,
    ...(unverified === undefined ? {} : { unverified }),
  });
  expect(unverifiedIn(book(doubt('a', 'one list only'), doubt('b'), doubt('c', 'one list only')))).toEqual([
    { reason: 'one list only', entries: ['gemini/a', 'gemini/c'] },
  ]);
  expect(unverifiedIn(book(doubt('b')))).toEqual([]);
});
