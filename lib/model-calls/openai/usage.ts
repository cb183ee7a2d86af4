import type { Usage } from '../../budget/usage.ts';
import type { JsonObject } from '../../json.ts';
import { asObject } from '../json-value.ts';
import { optionalCount, tokenCount } from '../token-count.ts';

/** Where chat completions and Responses have the same counts under other names. */
interface UsageNames {
  readonly input: string;
  readonly inputDetails: string;
  readonly output: string;
  readonly outputDetails: string;
}

export const CHAT_NAMES: UsageNames = {
  input: 'prompt_tokens',
  inputDetails: 'prompt_tokens_details',
  output: 'completion_tokens',
  outputDetails: 'completion_tokens_details',
};
export const RESPONSES_NAMES: UsageNames = {
  input: 'input_tokens',
  inputDetails: 'input_tokens_details',
  output: 'output_tokens',
  outputDetails: 'output_tokens_details',
};

/**
 * The normal form of `usage`, or why it cannot be believed. Input tokens include those read from the cache, those written
 * to it and audio; output tokens include reasoning and audio.
 */
export function openaiUsage(usage: JsonObject, names: UsageNames): Usage | string {
  const input = tokenCount(usage[names.input]);
  const output = tokenCount(usage[names.output]);
  const total = tokenCount(usage.total_tokens);
  if (input === undefined || output === undefined || total === undefined) return 'its counts are missing or no numbers';
  if (input + output !== total) return `${input} input and ${output} output tokens are not ${total}`;
  if (input === 0) return 'a call without an input token';

  const inputDetails = asObject(usage[names.inputDetails]) ?? {};
  const outputDetails = asObject(usage[names.outputDetails]) ?? {};
  const cacheRead = optionalCount(inputDetails.cached_tokens);
  const cacheWrite = optionalCount(inputDetails.cache_write_tokens);
  const inputAudio = optionalCount(inputDetails.audio_tokens);
  const reasoning = optionalCount(outputDetails.reasoning_tokens);
  const outputAudio = optionalCount(outputDetails.audio_tokens);
  if (
    cacheRead === undefined ||
    cacheWrite === undefined ||
    inputAudio === undefined ||
    reasoning === undefined ||
    outputAudio === undefined
  ) {
    return 'its details are no numbers';
  }
  if (cacheRead + cacheWrite + inputAudio > input) return 'the details of its input are more than its input';
  if (reasoning + outputAudio > output) return 'the details of its output are more than its output';
  if (inputAudio > 0 && cacheRead + cacheWrite > 0) return 'it does not say whether audio or text was cached';
  const writes = writesOf(inputDetails, cacheWrite);
  if (writes === undefined) return 'its cache writes do not add up';

  return {
    tokens: {
      input: input - cacheRead - cacheWrite - inputAudio,
      ...(cacheRead === 0 ? {} : { cacheRead }),
      ...writes,
      ...(inputAudio === 0 ? {} : { inputAudio }),
      output: output - outputAudio,
      ...(outputAudio === 0 ? {} : { outputAudio }),
    },
    ...(reasoning === 0 ? {} : { reasoningTokens: reasoning }),
  };
}

/** By lifetime, where it is told; without, all of them have the only one that was not asked for: 30 minutes. */
function writesOf(details: JsonObject, writes: number): Usage['tokens'] | undefined {
  const byTtl = asObject(details.cache_write_tokens_details);
  if (byTtl === undefined) return writes === 0 ? {} : { cacheWrite30m: writes };
  const half = optionalCount(byTtl.ttl_30m_tokens);
  const long = optionalCount(byTtl.ttl_12h_tokens);
  if (half === undefined || long === undefined || half + long !== writes) return undefined;
  return { ...(half === 0 ? {} : { cacheWrite30m: half }), ...(long === 0 ? {} : { cacheWrite12h: long }) };
}
