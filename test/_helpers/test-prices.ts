import type { PriceBook } from '../../lib/budget/price-book.ts';
import { priceBook } from '../../lib/budget/prices/book.ts';
import { readPriceOverrides, withOverrides } from '../../lib/budget/prices/overrides.ts';
import prices from '../_fixtures/prices.json' with { type: 'json' };

/** The committed price book with the prices of the tests: the model of the scripted provider, and compute for nothing. */
export function testPrices(): PriceBook {
  return withOverrides(priceBook(), readPriceOverrides(prices, 'prices.json'));
}
