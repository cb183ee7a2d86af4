import { PROVIDERS, type Provider } from '../sandbox/model-providers.ts';
import type { NanoUsd } from './money.ts';
import type { FeeClass, TokenClass } from './usage.ts';

export { PROVIDERS, type Provider };

/** nano-USD for a million tokens of each class; a class without a rate is not priced, and never free. */
export type TokenRates = { readonly [K in TokenClass]?: NanoUsd };

export interface RateTier {
  /** Holds for a request with more input tokens (all input classes together) than this; 0 in the first tier. */
  readonly aboveInputTokens: number;
  readonly rates: TokenRates;
}

export interface ModelPrice {
  readonly provider: Provider;
  /** Exactly as a request names it. */
  readonly model: string;
  /** Tokens of input and output together that the model takes at most. */
  readonly contextWindow: number;
  /** The most output tokens of one choice. 0 for a model without output (embeddings). */
  readonly maxOutputTokens: number;
  /** By rising `aboveInputTokens`. The rates of the tier that a request reaches hold for all of its tokens. */
  readonly tiers: readonly RateTier[];
  /** nano-USD for one. A fee that is not there is not priced. */
  readonly fees: { readonly [K in FeeClass]?: NanoUsd };
  /** What may be in a request beyond text: what is not listed is refused as unpriced. */
  readonly accepts: {
    readonly images: boolean;
    readonly documents: boolean;
    readonly audio: boolean;
    /** The most tokens that one image of any size counts; absent: unknown, so an image counts as the whole window. */
    readonly maxTokensPerImage?: number;
  };
  /** Where the prices come from: `genai-prices 0.1.8` or the reason of an override. */
  readonly source: string;
  /**
   * What was read for window, ceiling and `accepts`, as keys of the book's `limitSources`, the most trusted first. Absent
   * for a deployment's own prices, whose `source` is a reason for all of it.
   */
  readonly limits?: readonly string[];
  /** What of that a person still has to look up, and why it is taken all the same. */
  readonly unverified?: string;
}

/** What a source can say of a model. `reasoning`: whether thinking counts within the ceiling. */
export const LIMIT_FACTS = ['window', 'output', 'accepts', 'image', 'reasoning', 'fees'] as const;
export type LimitFact = (typeof LIMIT_FACTS)[number];

export interface LimitSource {
  /** An address without its scheme, a list with its version, or what a provider answered. */
  readonly at: string;
  readonly of: readonly LimitFact[];
  /** The day of the source, where it has one. */
  readonly date?: string;
}

export interface FargateRates {
  /** nano-USD for one hour. */
  readonly vcpuHour: NanoUsd;
  readonly gibHour: NanoUsd;
}

/** All prices that money is reserved and settled by. One version is one hash, which stands in every ledger entry. */
export interface PriceBook {
  /** Lower-case hex SHA-256 of the canonical JSON of everything else in the book. */
  readonly sha256: string;
  /** The package that the models come from, with its version. */
  readonly generatedFrom: string;
  readonly models: readonly ModelPrice[];
  readonly limitSources?: { readonly [key: string]: LimitSource };
  readonly fargate: { readonly X86_64: FargateRates; readonly ARM64: FargateRates };
}

/** Finds a model by the exact name; nothing else is close enough to be charged for. */
export type ModelLookup = (provider: Provider, model: string) => ModelPrice | undefined;
