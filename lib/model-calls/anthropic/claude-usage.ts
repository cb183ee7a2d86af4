import type { ModelPrice } from '../../budget/price-book.ts';
import type { Usage } from '../../budget/usage.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { reportedAs, unknownUsage } from '../metered.ts';
import { optionalCount, tokenCount } from '../token-count.ts';
import type { Metered } from '../wire-format.ts';
import type { CacheTtl } from './input-tally.ts';

/** A usage in the normal form, or why it cannot be trusted. */
export type ReadUsage = Usage | { readonly untrusted: string };

export function isUntrusted(read: ReadUsage): read is { readonly untrusted: string } {
  return 'untrusted' in read;
}

/** `raw` are the provider's own words. */
export function readAs(read: ReadUsage, raw: Json | undefined, price: ModelPrice): Metered {
  return isUntrusted(read) ? unknownUsage(read.untrusted) : reportedAs(read, raw ?? null, price);
}

interface Counts {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly output: number;
}

/**
 * The `usage` of an answer of Claude. `input_tokens` excludes what was read from and written to the cache;
 * `output_tokens` includes thinking. What is missing, contradicts itself, or was served at another price than the one
 * of the price book, is not trusted.
 */
export function readClaudeUsage(
  value: Json | undefined,
  { dearestTtl, webSearch }: { readonly dearestTtl: CacheTtl; readonly webSearch: boolean },
): ReadUsage {
  if (!isJsonObject(value)) return { untrusted: 'the answer has no usage' };
  const otherwise = pricedOtherwise(value);
  if (otherwise !== undefined) return { untrusted: otherwise };
  const whole = readCounts(value, dearestTtl);
  if (typeof whole === 'string') return { untrusted: whole };
  const counts = addIterations(whole, value.iterations, dearestTtl);
  if (typeof counts === 'string') return { untrusted: counts };
  const searches = readServerTools(value.server_tool_use, webSearch);
  if (typeof searches === 'string') return { untrusted: searches };
  const details = isJsonObject(value.output_tokens_details) ? value.output_tokens_details : {};
  const reasoning = tokenCount(details.thinking_tokens);
  return {
    tokens: counts,
    ...(searches === 0 ? {} : { fees: { webSearch: searches } }),
    ...(reasoning === undefined ? {} : { reasoningTokens: Math.min(reasoning, counts.output) }),
  };
}

/** Each was asked for as standard, or not at all; the answer says what it was. */
const STANDARD = {
  service_tier: ['standard'],
  speed: ['standard'],
  inference_geo: ['global', 'not_available'],
} as const satisfies Record<string, readonly string[]>;

function pricedOtherwise(usage: JsonObject): string | undefined {
  for (const [name, standard] of Object.entries(STANDARD)) {
    const value = usage[name];
    if (value !== undefined && value !== null && !standard.some((known) => known === value)) {
      return `usage.${name} is ${JSON.stringify(value)}, which has no price here`;
    }
  }
  return undefined;
}

function readCounts(usage: JsonObject, dearestTtl: CacheTtl): Counts | string {
  const input = tokenCount(usage.input_tokens);
  const output = tokenCount(usage.output_tokens);
  const cacheRead = optionalCount(usage.cache_read_input_tokens);
  const written = optionalCount(usage.cache_creation_input_tokens);
  if (input === undefined || output === undefined) return 'usage lacks input_tokens or output_tokens';
  if (cacheRead === undefined || written === undefined) return 'usage has a cache count that is no number';
  const split = usage.cache_creation;
  if (split === undefined || split === null) {
    return { input, output, cacheRead, ...(dearestTtl === '1h' ? writes(0, written) : writes(written, 0)) };
  }
  const in5m = isJsonObject(split) ? optionalCount(split.ephemeral_5m_input_tokens) : undefined;
  const in1h = isJsonObject(split) ? optionalCount(split.ephemeral_1h_input_tokens) : undefined;
  if (in5m === undefined || in1h === undefined || in5m + in1h !== written) {
    return 'usage.cache_creation is not what cache_creation_input_tokens says';
  }
  return { input, output, cacheRead, ...writes(in5m, in1h) };
}

function writes(in5m: number, in1h: number): Pick<Counts, 'cacheWrite5m' | 'cacheWrite1h'> {
  return { cacheWrite5m: in5m, cacheWrite1h: in1h };
}

/**
 * Where there are iterations, those of type `message` add up to the usage around them, and those of type `compaction` come
 * on top of it. Others are served by other models.
 */
function addIterations(whole: Counts, iterations: Json | undefined, dearestTtl: CacheTtl): Counts | string {
  if (iterations === undefined || iterations === null) return whole;
  if (!Array.isArray(iterations)) return 'usage.iterations is no list';
  let messages = NONE;
  let compactions = NONE;
  for (const iteration of iterations) {
    if (!isJsonObject(iteration)) return 'usage.iterations has an entry that is no object';
    const counts = readCounts(iteration, dearestTtl);
    if (typeof counts === 'string') return `usage.iterations: ${counts}`;
    if (iteration.type === 'message') messages = add(messages, counts);
    else if (iteration.type === 'compaction') compactions = add(compactions, counts);
    else return `usage.iterations has ${JSON.stringify(iteration.type ?? null)}`;
  }
  if (iterations.length > 0 && !same(messages, whole)) return 'usage.iterations does not add up to usage';
  return add(whole, compactions);
}

const NONE: Counts = { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0 };

function add(a: Counts, b: Counts): Counts {
  return {
    input: a.input + b.input,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite5m: a.cacheWrite5m + b.cacheWrite5m,
    cacheWrite1h: a.cacheWrite1h + b.cacheWrite1h,
    output: a.output + b.output,
  };
}

/** Only one of them may split the cache writes by their time to live. */
function same(a: Counts, b: Counts): boolean {
  const writes = ({ cacheWrite5m, cacheWrite1h }: Counts) => cacheWrite5m + cacheWrite1h;
  return a.input === b.input && a.cacheRead === b.cacheRead && a.output === b.output && writes(a) === writes(b);
}

/** Web searches; a text where another tool was used, or one that nobody asked for. */
function readServerTools(value: Json | undefined, webSearch: boolean): number | string {
  if (value === undefined || value === null) return 0;
  if (!isJsonObject(value)) return 'usage.server_tool_use is no object';
  let searches = 0;
  for (const name in value) {
    const uses = optionalCount(value[name]);
    if (uses === undefined) return `usage.server_tool_use.${name} is no number`;
    if (uses === 0) continue;
    if (name !== 'web_search_requests' || !webSearch) return `usage.server_tool_use.${name} was not asked for`;
    searches = uses;
  }
  return searches;
}

const INPUT_FIELDS = ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'] as const;

/**
 * What is known after a `message_delta`: its counts are cumulative, so the last that is there holds for each field, and
 * nothing is ever added up. A delta that states the input anew replaces all of it. A text where both cannot be true.
 */
export function mergeClaudeUsage(before: JsonObject, delta: JsonObject): JsonObject | string {
  const merged: { [name: string]: Json } = { ...before };
  for (const name in delta) {
    const value = delta[name];
    if (value !== undefined && value !== null) merged[name] = value;
  }
  const written = optionalCount(merged.cache_creation_input_tokens);
  if (delta.cache_creation === undefined || delta.cache_creation === null) {
    // The split of before, where it is still the split of that number.
    const split = isJsonObject(before.cache_creation) ? before.cache_creation : {};
    const sum = (tokenCount(split.ephemeral_5m_input_tokens) ?? 0) + (tokenCount(split.ephemeral_1h_input_tokens) ?? 0);
    if (sum !== written) delete merged.cache_creation;
  }
  const restated = typeof delta.input_tokens === 'number' && delta.input_tokens !== before.input_tokens;
  const kept = INPUT_FIELDS.filter((name) => (delta[name] ?? null) === null && optionalCount(before[name]) !== 0);
  if (restated && kept.length > 0) return `message_delta states the input anew, but not ${kept.join(' and ')}`;
  if ((tokenCount(delta.output_tokens) ?? Number.POSITIVE_INFINITY) < (tokenCount(before.output_tokens) ?? 0)) {
    return 'message_delta has fewer output tokens than were counted before';
  }
  return merged;
}
