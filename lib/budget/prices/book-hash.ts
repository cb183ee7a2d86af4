import { canonicalJson, sha256 } from '../../json.ts';
import type { ModelPrice, PriceBook } from '../price-book.ts';

/** The book with its hash, by which every ledger entry names it. Models have one order, so that one book has one hash. */
export function hashedBook({ generatedFrom, models, limitSources, fargate }: Omit<PriceBook, 'sha256'>): PriceBook {
  const sources = limitSources === undefined ? {} : { limitSources };
  const rest = { generatedFrom, models: [...models].sort(byName), ...sources, fargate };
  return { sha256: sha256(canonicalJson(rest)), ...rest };
}

/** Provider and model as one text, which is how messages name an entry. */
export function entryName({ provider, model }: Pick<ModelPrice, 'provider' | 'model'>): string {
  return `${provider}/${model}`;
}

function byName(a: ModelPrice, b: ModelPrice): number {
  const [one, other] = [entryName(a), entryName(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}
