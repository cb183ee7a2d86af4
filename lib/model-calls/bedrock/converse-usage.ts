import { isJsonObject, type Json } from '../../json.ts';
import type { ReadUsage } from '../anthropic/claude-usage.ts';
import type { CacheTtl } from '../anthropic/input-tally.ts';
import { optionalCount, tokenCount } from '../token-count.ts';

/**
 * The usage of Converse, from its body or its `metadata` event: `inputTokens` excludes what was read from and written to
 * the cache, and `totalTokens` is the sum of all. `cacheDetails` splits what was written by its time to live.
 */
export function readConverseUsage(answer: Json | undefined, dearestTtl: CacheTtl): ReadUsage {
  if (!isJsonObject(answer) || !isJsonObject(answer.usage)) return { untrusted: 'the answer has no usage' };
  const otherwise =
    pricedOtherwise(answer.serviceTier, 'type', 'default') ??
    pricedOtherwise(answer.performanceConfig, 'latency', 'standard');
  if (otherwise !== undefined) return { untrusted: otherwise };
  if (isJsonObject(answer.trace) && isThere(answer.trace.promptRouter)) {
    return { untrusted: 'a prompt router chose another model' };
  }
  const { usage } = answer;
  const input = tokenCount(usage.inputTokens);
  const output = tokenCount(usage.outputTokens);
  const total = tokenCount(usage.totalTokens);
  const cacheRead = optionalCount(usage.cacheReadInputTokens);
  const written = optionalCount(usage.cacheWriteInputTokens);
  if (input === undefined || output === undefined || total === undefined) {
    return { untrusted: 'usage lacks inputTokens, outputTokens or totalTokens' };
  }
  if (cacheRead === undefined || written === undefined)
    return { untrusted: 'usage has a cache count that is no number' };
  if (input + output + cacheRead + written !== total) return { untrusted: 'usage does not add up to its totalTokens' };
  const writes = splitWrites(usage.cacheDetails, written, dearestTtl);
  if (writes === undefined) return { untrusted: 'usage.cacheDetails is not what cacheWriteInputTokens says' };
  return { tokens: { input, output, cacheRead, ...writes } };
}

const isThere = (value: Json | undefined) => value !== undefined && value !== null;

function pricedOtherwise(value: Json | undefined, name: string, standard: string): string | undefined {
  if (!isThere(value)) return undefined;
  const served = isJsonObject(value) ? value[name] : value;
  return served === undefined || served === standard
    ? undefined
    : `${name} is ${JSON.stringify(served)}, which has no price here`;
}

function splitWrites(
  details: Json | undefined,
  written: number,
  dearestTtl: CacheTtl,
): { readonly cacheWrite5m: number; readonly cacheWrite1h: number } | undefined {
  const unsplit =
    dearestTtl === '1h' ? { cacheWrite5m: 0, cacheWrite1h: written } : { cacheWrite5m: written, cacheWrite1h: 0 };
  if (details === undefined || details === null) return unsplit;
  if (!Array.isArray(details)) return undefined;
  if (details.length === 0) return unsplit;
  const counts = { '5m': 0, '1h': 0 };
  for (const detail of details) {
    const tokens = isJsonObject(detail) ? tokenCount(detail.inputTokens) : undefined;
    if (tokens === undefined || (detail.ttl !== '5m' && detail.ttl !== '1h')) return undefined;
    counts[detail.ttl as CacheTtl] += tokens;
  }
  if (counts['5m'] + counts['1h'] !== written) return undefined;
  return { cacheWrite5m: counts['5m'], cacheWrite1h: counts['1h'] };
}
