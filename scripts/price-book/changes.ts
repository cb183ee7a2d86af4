import { decimalUsd, type NanoUsd } from '../../lib/budget/money.ts';
import type { ModelPrice, PriceBook } from '../../lib/budget/price-book.ts';
import { entryName } from '../../lib/budget/prices/book-hash.ts';

/** One line of what another book would change. */
export interface PriceChange {
  /** `openai/gpt-5`, or `fargate/ARM64`. */
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

function fieldsOfBook({ models, fargate }: PriceBook): ReadonlyMap<string, Fields> {
  const compute = Object.entries(fargate).map(
    ([architecture, rates]) => [`fargate/${architecture}`, new Map(money('', rates))] as const,
  );
  return new Map<string, Fields>([...models.map((price) => [entryName(price), fieldsOf(price)] as const), ...compute]);
}

function fieldsOf({ tiers, fees, accepts, contextWindow, maxOutputTokens, source }: ModelPrice): Fields {
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
  ]);
}

function money(suffix: string, amounts: object): (readonly [string, string])[] {
  return Object.entries(amounts).map(([what, amount]) => [`${what}${suffix}`, `$${decimalUsd(amount as NanoUsd)}`]);
}
