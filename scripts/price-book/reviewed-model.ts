import type { ModelPrice, Provider } from '../../lib/budget/price-book.ts';
import type { FeeClass, TokenClass } from '../../lib/budget/usage.ts';

/** What people have looked up of a model, since the price package lacks it or is wrong. Rates are the package's. */
export interface ReviewedModel {
  readonly provider: Provider;
  /** The package's id of the entry whose rates count. */
  readonly entry: string;
  /** Every exact name that a request may have. The package itself must find the entry by each of them. */
  readonly names: readonly string[];
  /** Where the package has none, or one that is too small. */
  readonly contextWindow?: number;
  readonly maxOutputTokens: number;
  readonly accepts: ModelPrice['accepts'];
  readonly corrections: readonly Correction[];
}

/** A rate or fee that is not the package's, with the reason, which becomes part of the model's source. */
export interface Correction {
  readonly reason: string;
  /** A multiple of another rate of the same tier, in percent. */
  readonly rates?: readonly { readonly of: TokenClass; readonly percent: number; readonly is: TokenClass }[];
  /** Decimal dollars for a thousand. */
  readonly feesPerThousand?: { readonly [K in FeeClass]?: string };
}
