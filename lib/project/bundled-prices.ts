import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import type { PriceBook } from '../budget/price-book.ts';
import { fargatePricesOf } from '../budget/prices/fargate.ts';

const BOOK = fileURLToPath(new URL('../budget/prices/book.json', import.meta.url));
const FARGATE = fileURLToPath(new URL('../budget/prices/fargate.json', import.meta.url));

/** Bundles have the prices of their deployment for the committed ones: other prices are other code, and so deployed. */
export function bundledPrices(book: PriceBook): Plugin {
  const contents = new Map<string, unknown>([
    [BOOK, book],
    [FARGATE, fargatePricesOf(book)],
  ]);
  return {
    name: 'bundled-prices',
    setup(build) {
      build.onLoad({ filter: /[\\/]budget[\\/]prices[\\/](book|fargate)\.json$/ }, ({ path }) =>
        contents.has(path) ? { contents: JSON.stringify(contents.get(path)), loader: 'json' } : undefined,
      );
    },
  };
}
