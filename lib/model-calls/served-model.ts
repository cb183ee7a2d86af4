import { isDeepStrictEqual } from 'node:util';
import type { ModelLookup, ModelPrice, Provider } from '../budget/price-book.ts';

/** `-2024-08-06`, `-0613`, `-001`, `-v2`, `-preview-09-2025`: a dated or numbered version of a name. */
const VERSION = /^-(\d{4}-\d{2}-\d{2}|\d{8}|\d{3,4}|v\d+|preview-\d{2}-\d{2,4})$/;
/** The longest that there is: `-2024-08-06`, not its last part. */
const VERSION_AT_END = /-(\d{4}-\d{2}-\d{2}|\d{8}|\d{3,4}|v\d+|preview-\d{2}-\d{2,4})$/;

/**
 * Whether an answer from a model of this name costs what was reserved for. Providers answer with the version behind a
 * name; a version that has a price of its own must have the same one.
 */
export function servedAsPriced(price: ModelPrice, served: string, models: ModelLookup): boolean {
  if (served === price.model) return true;
  const own = models(price.provider, served);
  if (own !== undefined) return isDeepStrictEqual(own.tiers, price.tiers) && isDeepStrictEqual(own.fees, price.fees);
  return served.startsWith(price.model) && VERSION.test(served.slice(price.model.length));
}

/** The price of what a provider calls a model by: its own, else that of the name which it is a version of. */
export function priceOfServed(provider: Provider, served: string, models: ModelLookup): ModelPrice | undefined {
  const own = models(provider, served);
  if (own !== undefined) return own;
  const version = VERSION_AT_END.exec(served);
  return version === null ? undefined : models(provider, served.slice(0, version.index));
}
