import type { LimitSource, ModelPrice, Provider } from '../../lib/budget/price-book.ts';
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
  /** What was read for window, ceiling and `accepts`, the most trusted first. */
  readonly limits: readonly NamedSource[];
  /** What of that a person still has to look up, and why it is taken all the same. */
  readonly unverified?: string;
}

/** A source under the key that the book has it by. */
export interface NamedSource extends LimitSource {
  readonly key: string;
}

/** A rate or fee that is not the package's, with the reason, which becomes part of the model's source. */
export interface Correction {
  readonly reason: string;
  /** A multiple of another rate of the same tier, in percent. */
  readonly rates?: readonly { readonly of: TokenClass; readonly percent: number; readonly is: TokenClass }[];
  /** Decimal dollars for a thousand. */
  readonly feesPerThousand?: { readonly [K in FeeClass]?: string };
}

export const TEXT: ModelPrice['accepts'] = { images: false, documents: false, audio: false };
export const PICTURES: ModelPrice['accepts'] = { ...TEXT, images: true };
export const SEEN: ModelPrice['accepts'] = { ...PICTURES, documents: true };
export const HEARD: ModelPrice['accepts'] = { ...SEEN, audio: true };

/**
 * The most tokens of an image, with a margin, where a provider documents that it scales images of any shape down to a known
 * number: Claude to 1,568 and from 4.7 on to 4,784. For the models of OpenAI and Gemini no such number is known to
 * hold for every image and every detail, so one of theirs counts as a whole window.
 */
export const CLAUDE_SEES: ModelPrice['accepts'] = { ...SEEN, maxTokensPerImage: 2000 };
export const CLAUDE_SEES_MORE: ModelPrice['accepts'] = { ...SEEN, maxTokensPerImage: 5000 };

export const CACHED_AS_INPUT: Correction = {
  reason: 'no rate for cached input is listed, so that it costs what input costs',
  rates: [{ is: 'cacheRead', of: 'input', percent: 100 }],
};
