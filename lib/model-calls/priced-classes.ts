import type { ModelPrice } from '../budget/price-book.ts';
import type { TokenClass } from '../budget/usage.ts';

/**
 * Whether tokens of this class have a price. Those with a rate in some tiers only count as priced: what they cost in the
 * others is refused where money is calculated.
 */
export function hasRate({ tiers }: ModelPrice, token: TokenClass): boolean {
  return tiers.some(({ rates }) => rates[token] !== undefined);
}

export function pricedOf(price: ModelPrice, classes: readonly TokenClass[]): readonly TokenClass[] {
  return classes.filter((token) => hasRate(price, token));
}

/** The class with the highest rate of any tier. */
export function dearestOf(price: ModelPrice, classes: readonly TokenClass[]): TokenClass | undefined {
  const highest = (token: TokenClass) => Math.max(...price.tiers.map(({ rates }) => rates[token] ?? 0));
  return classes.reduce<TokenClass | undefined>(
    (dearest, token) => (dearest === undefined || highest(token) > highest(dearest) ? token : dearest),
    undefined,
  );
}
