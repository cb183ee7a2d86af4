import type { ModelPrice } from '../budget/price-book.ts';
import { FEE_CLASSES, TOKEN_CLASSES, type Usage, type UsageBound } from '../budget/usage.ts';
import type { Json } from '../json.ts';
import { dearestOf, hasRate } from './priced-classes.ts';
import type { Metered } from './wire-format.ts';

const MAX_RAW_BYTES = 4096;

/** What a provider said was used, unless some of it has no price: then nobody knows here what it cost. */
export function reportedAs(usage: Usage, raw: Json, price: ModelPrice): Metered {
  const token = TOKEN_CLASSES.find((name) => (usage.tokens[name] ?? 0) > 0 && !hasRate(price, name));
  if (token !== undefined) return unknownUsage(`${price.model} used tokens of the class ${token}, which have no price`);
  const fee = FEE_CLASSES.find((name) => (usage.fees?.[name] ?? 0) > 0 && price.fees[name] === undefined);
  if (fee !== undefined) return unknownUsage(`${price.model} used ${fee}, which has no price`);
  return { kind: 'reported', usage, raw: within(raw) };
}

export function unknownUsage(reason: string, atMost?: Usage): Metered {
  return { kind: 'unknown', reason, ...(atMost === undefined ? {} : { atMost }) };
}

/** Tokens that end a choice or begin it, and show nowhere. */
const UNSEEN_TOKENS_PER_CHOICE = 16;

/**
 * A bound of a call whose every output token was seen as text: all of its input, in the dearest class, and a token for
 * each byte that came.
 */
export function seenAtMost(bound: UsageBound, price: ModelPrice, seenBytes: number, choices: number): Usage {
  const input = dearestOf(price, bound.inputClasses) ?? 'input';
  const output = dearestOf(price, bound.outputClasses) ?? 'output';
  return {
    tokens: {
      [input]: bound.inputTokens,
      [output]: Math.min(bound.outputTokens, seenBytes + UNSEEN_TOKENS_PER_CHOICE * choices),
    },
  };
}

/** The provider's own words, as far as an entry keeps them. */
export function within(raw: Json): Json {
  const text = JSON.stringify(raw);
  return Buffer.byteLength(text) <= MAX_RAW_BYTES ? raw : { cut: text.slice(0, MAX_RAW_BYTES / 4) };
}
