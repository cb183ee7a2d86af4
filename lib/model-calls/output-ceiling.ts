import type { ModelPrice } from '../budget/price-book.ts';
import { tooManyOutputTokens, unpricedFeature } from './refusals.ts';
import { CallRefused } from './wire-format.ts';

/** The header of an answer that tells which ceiling a call got that asked for none. */
export const MAX_OUTPUT_HEADER = 'x-wflo-max-output-tokens';

export interface OutputCeiling {
  readonly tokens: number;
  readonly notes: { readonly [header: string]: string };
}

/**
 * The ceiling of output tokens that a call goes out with: what it asks for, else the most that the model gives. Without a
 * ceiling nobody could say what a call costs at most. Where input and output share a window that both could fill alone
 * (8,192 tokens of the first GPT-4), it is what the input leaves, and half of the window at least.
 * Throws `CallRefused` above the model's own ceiling. `field` is where the request asks for it.
 */
export function outputCeiling(
  asked: number | undefined,
  field: string,
  price: ModelPrice,
  inputTokens: number,
): OutputCeiling {
  if (price.maxOutputTokens === 0) {
    throw new CallRefused(unpricedFeature(`text from ${price.model}`, 'use a model that writes text'));
  }
  if (asked !== undefined) {
    if (asked > price.maxOutputTokens) {
      throw new CallRefused(tooManyOutputTokens(field, asked, price.maxOutputTokens, price.model));
    }
    return { tokens: asked, notes: {} };
  }
  const { contextWindow, maxOutputTokens } = price;
  const left = Math.max(contextWindow - inputTokens, Math.ceil(contextWindow / 2));
  const tokens = Math.min(maxOutputTokens, left);
  return { tokens, notes: { [MAX_OUTPUT_HEADER]: String(tokens) } };
}
