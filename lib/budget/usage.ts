/**
 * The normal form of what a model call used, whatever its provider says it with. Classes do not overlap: a token is in
 * exactly one of them, and reasoning is output.
 */
export const TOKEN_CLASSES = [
  'input',
  'cacheRead',
  'cacheWrite5m',
  'cacheWrite30m',
  'cacheWrite1h',
  'cacheWrite12h',
  'output',
  'inputAudio',
  'cacheReadAudio',
  'outputAudio',
  'outputImage',
] as const;
export type TokenClass = (typeof TOKEN_CLASSES)[number];

/** What is charged by the piece: each counted once. */
export const FEE_CLASSES = ['request', 'webSearch', 'fileSearch', 'codeInterpreter'] as const;
export type FeeClass = (typeof FEE_CLASSES)[number];

/** Whole numbers, at least 0; a class that is absent is 0. */
export interface Usage {
  readonly tokens: { readonly [K in TokenClass]?: number };
  readonly fees?: { readonly [K in FeeClass]?: number };
  /** Of the output, for information: it is not charged again. */
  readonly reasoningTokens?: number;
}

/** What a call can use at the very most. Its price bounds the price of every `Usage` within it. */
export interface UsageBound {
  /** Tokens of all input classes together, the cached ones too. */
  readonly inputTokens: number;
  /** Every class that some of the input may fall into; the dearest is reserved for all of it. */
  readonly inputClasses: readonly TokenClass[];
  /** Tokens of all output classes together, reasoning included, all choices together. */
  readonly outputTokens: number;
  readonly outputClasses: readonly TokenClass[];
  readonly fees?: { readonly [K in FeeClass]?: number };
}
