import type { PriceBook } from '../price-book.ts';
import book from './book.json' with { type: 'json' };

/**
 * The prices of this deployment: in a bundle the committed book with the deployment's own prices in it, anywhere else
 * the committed book alone. About 120 KB: what needs compute rates or the hash only takes them from `fargate.ts`.
 */
export function priceBook(): PriceBook {
  // JSON has no brands; a test checks the committed file and `withOverrides` what is merged into it.
  return book as unknown as PriceBook;
}
