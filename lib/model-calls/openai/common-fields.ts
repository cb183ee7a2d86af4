import type { ModelLookup, ModelPrice } from '../../budget/price-book.ts';
import type { TokenClass } from '../../budget/usage.ts';
import type { JsonObject } from '../../json.ts';
import { allowFields } from '../allowed-fields.ts';
import type { InputBound } from '../input-bound.ts';
import { hasRate } from '../priced-classes.ts';
import { invalidField, unknownModel, unpricedFeature } from '../refusals.ts';
import { objectOf, presentField, textOf } from '../request-fields.ts';
import { CallRefused, type CallRequest } from '../wire-format.ts';

export function openaiPrice(body: JsonObject, models: ModelLookup): ModelPrice {
  const model = textOf(presentField(body, 'model'), 'model');
  const price = models('openai', model);
  if (price === undefined) throw new CallRefused(unknownModel('openai', model));
  return price;
}

/** What is asked for outside of the body. Betas change what a call does, and so what it costs. */
export function refuseExtras({ query, headers }: CallRequest): void {
  for (const name of query.keys()) throw new CallRefused(unpricedFeature(`the query parameter ${name.slice(0, 100)}`));
  if (headers.has('openai-beta')) throw new CallRefused(unpricedFeature('the header openai-beta'));
}

/**
 * Every other tier has other prices. `auto` is whatever the project of the key is set to, so that calls go out with
 * `default`, whose prices are those of the price book.
 */
export function refuseOtherTiers(body: JsonObject): void {
  const tier = presentField(body, 'service_tier');
  if (tier !== undefined && tier !== 'auto' && tier !== 'default') {
    throw new CallRefused(unpricedFeature(`service_tier ${JSON.stringify(tier)}`, 'use auto or default'));
  }
}

export function isStandardTier(tier: unknown): boolean {
  return tier === undefined || tier === null || tier === 'default';
}

const CACHE_TTLS: { readonly [ttl: string]: TokenClass } = { '30m': 'cacheWrite30m', '12h': 'cacheWrite12h' };

/** Caching is automatic: any of the input may be read from the cache or, where that has a price, written to it. */
export function boundCache(input: InputBound, price: ModelPrice): void {
  for (const token of ['cacheRead', 'cacheWrite30m'] as const) if (hasRate(price, token)) input.mayBe(token);
}

/** Of `prompt_cache_options` and of a `prompt_cache_breakpoint`. */
export function boundCacheTtl(ttl: unknown, path: string, input: InputBound, price: ModelPrice): void {
  if (ttl === undefined || ttl === null) return;
  const token = typeof ttl === 'string' ? CACHE_TTLS[ttl] : undefined;
  if (token === undefined || (token === 'cacheWrite12h' && !hasRate(price, token))) {
    throw new CallRefused(unpricedFeature(`${path} ${JSON.stringify(ttl)} for ${price.model}`));
  }
  if (hasRate(price, token)) input.mayBe(token);
}

const BREAKPOINT_FIELDS = new Set(['mode', 'ttl']);

export function boundBreakpoint(part: JsonObject, path: string, input: InputBound, price: ModelPrice): void {
  const value = presentField(part, 'prompt_cache_breakpoint');
  if (value === undefined) return;
  const field = `${path}.prompt_cache_breakpoint`;
  const breakpoint = objectOf(value, field);
  allowFields(breakpoint, BREAKPOINT_FIELDS, field);
  boundCacheTtl(breakpoint.ttl, `${field}.ttl`, input, price);
}

const RETENTIONS = new Set<unknown>([undefined, 'in_memory', '24h']);

export function checkRetention(body: JsonObject): void {
  if (!RETENTIONS.has(presentField(body, 'prompt_cache_retention'))) {
    throw new CallRefused(invalidField('prompt_cache_retention', 'must be in_memory or 24h'));
  }
}

const WRITES_WITHOUT_REASONING =
  /^(gpt-3\.5-turbo(-16k)?|gpt-4|gpt-4-32k|gpt-4-turbo|gpt-4o|gpt-4o-mini|chatgpt-4o-latest|gpt-4\.1|gpt-4\.1-mini|gpt-4\.1-nano)(-\d{4}|-\d{4}-\d{2}-\d{2})?$/;

/** Models of which it is known that every output token is seen. All others may reason. */
export function writesOnlyWhatIsSeen(model: string): boolean {
  return WRITES_WITHOUT_REASONING.test(model);
}
