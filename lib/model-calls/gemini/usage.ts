import type { ModelPrice } from '../../budget/price-book.ts';
import type { Usage } from '../../budget/usage.ts';
import type { Json, JsonObject } from '../../json.ts';
import { asList, asObject } from '../json-value.ts';
import { hasRate } from '../priced-classes.ts';
import { optionalCount, tokenCount } from '../token-count.ts';

/**
 * The normal form of `usageMetadata`, or why it cannot be believed. The prompt includes what was read from a cache.
 * Thoughts are output; most answers count them beside the candidates, some within, so output is what the total has beyond
 * the prompt and the results of tools.
 */
export function geminiUsage(metadata: JsonObject, price: ModelPrice): Usage | string {
  const prompt = tokenCount(metadata.promptTokenCount);
  const total = tokenCount(metadata.totalTokenCount);
  const candidates = optionalCount(metadata.candidatesTokenCount);
  const thoughts = optionalCount(metadata.thoughtsTokenCount);
  const cached = optionalCount(metadata.cachedContentTokenCount);
  const toolUse = optionalCount(metadata.toolUsePromptTokenCount);
  if (
    prompt === undefined ||
    total === undefined ||
    candidates === undefined ||
    thoughts === undefined ||
    cached === undefined ||
    toolUse === undefined
  ) {
    return 'its counts are missing or no numbers';
  }
  if (prompt === 0) return 'a call without an input token';
  const output = total - prompt - toolUse;
  if (output !== candidates + thoughts && !(output === candidates && thoughts <= candidates)) {
    return `${prompt} + ${candidates} + ${thoughts} + ${toolUse} tokens are not ${total}`;
  }
  if (cached > prompt) return 'more of the prompt was cached than there is';

  const audio = tokensOf(metadata.promptTokensDetails, 'AUDIO');
  const cachedAudio = tokensOf(metadata.cacheTokensDetails, 'AUDIO');
  const outputAudio = tokensOf(metadata.candidatesTokensDetails, 'AUDIO');
  const outputImage = tokensOf(metadata.candidatesTokensDetails, 'IMAGE');
  if (
    audio === undefined ||
    cachedAudio === undefined ||
    outputAudio === undefined ||
    outputImage === undefined ||
    cachedAudio > audio ||
    cachedAudio > cached ||
    audio - cachedAudio > prompt - cached ||
    outputAudio + outputImage > output
  ) {
    return 'its details do not add up';
  }
  // A model without a rate for audio charges it like text.
  const inputAudio = hasRate(price, 'inputAudio') ? audio - cachedAudio : 0;
  const cacheReadAudio = hasRate(price, 'cacheReadAudio') ? cachedAudio : 0;
  const cacheRead = cached - cacheReadAudio;
  return {
    tokens: {
      input: prompt - cached - inputAudio + toolUse,
      ...(cacheRead === 0 ? {} : { cacheRead }),
      ...(inputAudio === 0 ? {} : { inputAudio }),
      ...(cacheReadAudio === 0 ? {} : { cacheReadAudio }),
      output: output - outputAudio - outputImage,
      ...(outputAudio === 0 ? {} : { outputAudio }),
      ...(outputImage === 0 ? {} : { outputImage }),
    },
    ...(thoughts === 0 ? {} : { reasoningTokens: thoughts }),
  };
}

/** Of a list of `{ modality, tokenCount }`. */
function tokensOf(details: Json | undefined, modality: string): number | undefined {
  let tokens = 0;
  for (const value of asList(details) ?? []) {
    const detail = asObject(value);
    const counted = optionalCount(detail?.tokenCount);
    if (detail === undefined || counted === undefined) return undefined;
    if (detail.modality === modality) tokens += counted;
  }
  return tokens;
}
