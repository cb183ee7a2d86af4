import { decimalUsd, type NanoUsd } from '../../lib/budget/money.ts';
import type { LimitSource, ModelPrice, PriceBook } from '../../lib/budget/price-book.ts';
import { entryName } from '../../lib/budget/prices/book-hash.ts';

/** One line of what another book would change. */
export interface PriceChange {
  /** `openai/gpt-5`, `fargate/ARM64`, or `limits/claude-vision` for what was read. */
  readonly entry: string;
  /** `added`, `removed`, or the field: `input`, `input above 200000`, `webSearch`, `contextWindow`. */
  readonly what: string;
  /** Dollars where it is money. */
  readonly before: string;
  readonly after: string;
}

/** Every model that comes or goes, and every field that differs, by name. */
export function changesBetween(before: PriceBook, after: PriceBook): readonly PriceChange[] {
  const [old, now] = [fieldsOfBook(before), fieldsOfBook(after)];
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((entry): readonly PriceChange[] => {
    const [was, is] = [old.get(entry), now.get(entry)];
    if (was === undefined) return [{ entry, what: 'added', before: '-', after: is?.get('input') ?? '-' }];
    if (is === undefined) return [{ entry, what: 'removed', before: was.get('input') ?? '-', after: '-' }];
    return [...new Set([...was.keys(), ...is.keys()])]
      .map((what) => ({ entry, what, before: was.get(what) ?? '-', after: is.get(what) ?? '-' }))
      .filter((change) => change.before !== change.after);
  });
}

type Fields = ReadonlyMap<string, string>;

/** What a person still has to look up: each reason with the models that it is for. */
export function unverifiedIn({
  models,
}: PriceBook): readonly { readonly reason: string; readonly entries: string[] }[] {
  const reasons = new Map<string, string[]>();
  for (const price of models) {
    if (price.unverified === undefined) continue;
    reasons.set(price.unverified, [...(reasons.get(price.unverified) ?? []), entryName(price)]);
  }
  return [...reasons].map(([reason, entries]) => ({ reason, entries }));
}

function fieldsOfBook({ models, fargate, limitSources = {} }: PriceBook): ReadonlyMap<string, Fields> {
  const compute = Object.entries(fargate).map(
    ([architecture, rates]) => [`fargate/${architecture}`, new Map(money('', rates))] as const,
  );
  const read = Object.entries(limitSources).map(([key, source]) => [`limits/${key}`, sourceFields(source)] as const);
  const priced = models.map((price) => [entryName(price), fieldsOf(price)] as const);
  return new Map<string, Fields>([...priced, ...read, ...compute]);
}

function sourceFields({ at, of, date = '-' }: LimitSource): Fields {
  return new Map([
    ['at', at],
    ['of', of.join(', ')],
    ['date', date],
  ]);
}

function fieldsOf(price: ModelPrice): Fields {
  const { tiers, fees, accepts, contextWindow, maxOutputTokens, source, limits = [], unverified = '-' } = price;
  return new Map<string, string>([
    ...tiers.flatMap(({ aboveInputTokens, rates }) =>
      money(aboveInputTokens === 0 ? '' : ` above ${aboveInputTokens}`, rates),
    ),
    ...money('', fees),
    ...Object.entries(accepts).map(([what, value]) => [what, String(value)] as const),
    ['contextWindow', String(contextWindow)],
    ['maxOutputTokens', String(maxOutputTokens)],
    // Its version changes with every update of the package, and alone is no change of a price.
    ['source', source.replace(/^genai-prices \S+: /, 'genai-prices: ')],
    ['limits', limits.join(', ')],
    ['unverified', unverified],
  ]);
}

function money(suffix: string, amounts: object): (readonly [string, string])[] {
  return Object.entries(amounts).map(([what, amount]) => [`${what}${suffix}`, `$${decimalUsd(amount as NanoUsd)}`]);
}
