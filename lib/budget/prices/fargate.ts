import type { PriceBook } from '../price-book.ts';
import fargate from './fargate.json' with { type: 'json' };

/** What the compute of a task is charged by, and the hash of the price book that it is from. */
export interface FargatePrices {
  readonly rates: PriceBook['fargate'];
  /** SHA-256 of the price book. */
  readonly priceBook: string;
}

/** Of the same book as `priceBook()`, for functions that need no model. */
export function fargatePrices(): FargatePrices {
  // JSON has no brands; the file is written together with the book.
  return fargate as unknown as FargatePrices;
}

export function fargatePricesOf({ fargate: rates, sha256: priceBook }: PriceBook): FargatePrices {
  return { rates, priceBook };
}
