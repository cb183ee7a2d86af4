import type { LimitSource, ModelLookup, ModelPrice, PriceBook, Provider } from '../price-book.ts';

/** Of exact names only. */
export function lookupOf(book: PriceBook): ModelLookup {
  const byName = new Map(book.models.map((price) => [key(price.provider, price.model), price]));
  return (provider, model) => byName.get(key(provider, model));
}

/** Every entry of the name: a model may be sold by several providers. */
export function entriesOf(book: PriceBook, model: string): readonly ModelPrice[] {
  return book.models.filter((price) => price.model === model);
}

/** What was read for the limits of a model; nothing for a deployment's own prices. */
export function limitSourcesOf({ limitSources = {} }: PriceBook, { limits = [] }: ModelPrice): readonly LimitSource[] {
  return limits.flatMap((key) => limitSources[key] ?? []);
}

const MOST_NEAR = 5;

/**
 * Up to five names that are like an unknown one, the likest first, of one provider or of all: for a message, never to be
 * charged by.
 */
export function nearModels(book: PriceBook, provider: Provider | undefined, name: string): readonly string[] {
  const wanted = pairsOf(name);
  const names = new Set(
    book.models.filter((price) => (provider ?? price.provider) === price.provider).map(({ model }) => model),
  );
  return [...names]
    .map((model) => ({ model, likeness: likeness(wanted, pairsOf(model)) }))
    .filter(({ likeness }) => likeness >= 0.5)
    .sort((a, b) => b.likeness - a.likeness || (a.model < b.model ? -1 : 1))
    .slice(0, MOST_NEAR)
    .map(({ model }) => model);
}

function key(provider: Provider, model: string): string {
  return `${provider}/${model}`;
}

/** Pairs of neighbouring letters. Names differ in dates, versions and prefixes, which edits count too much. */
function pairsOf(name: string): ReadonlySet<string> {
  const text = name.toLowerCase();
  return new Set(Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => text.slice(at, at + 2)));
}

/** The share of pairs that both have, from 0 to 1. */
function likeness(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size + b.size === 0) return 0;
  const both = [...a].filter((pair) => b.has(pair)).length;
  return (2 * both) / (a.size + b.size);
}
