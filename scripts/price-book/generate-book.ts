import { readFileSync } from 'node:fs';
import {
  type ConditionalPrice,
  calcPrice,
  findProvider,
  type ModelInfo,
  type Provider as PackageProvider,
  type TieredPrices,
} from '@pydantic/genai-prices';
import { type NanoUsd, share, usd } from '../../lib/budget/money.ts';
import type { LimitFact, LimitSource, ModelPrice, PriceBook, Provider, RateTier } from '../../lib/budget/price-book.ts';
import { entryName, hashedBook } from '../../lib/budget/prices/book-hash.ts';
import { FARGATE_RATES } from '../../lib/budget/prices/fargate-rates.ts';
import type { FeeClass, TokenClass } from '../../lib/budget/usage.ts';
import type { Correction, NamedSource, ReviewedModel } from './reviewed-model.ts';
import { AS_OF, REVIEWED_MODELS } from './reviewed-models.ts';

const PACKAGE = '@pydantic/genai-prices';
const PACKAGE_PROVIDERS: { readonly [K in Provider]: string } = {
  openai: 'openai',
  anthropic: 'anthropic',
  gemini: 'google',
  bedrock: 'aws',
};

/** What the package's rates are for. A rate of any other name is of something that no call is let to use. */
const TOKEN_RATES: { readonly [key: string]: TokenClass } = {
  input_mtok: 'input',
  cache_read_mtok: 'cacheRead',
  cache_write_mtok: 'cacheWrite5m',
  cache_write_1h_mtok: 'cacheWrite1h',
  output_mtok: 'output',
  input_audio_mtok: 'inputAudio',
  cache_audio_read_mtok: 'cacheReadAudio',
  output_audio_mtok: 'outputAudio',
  output_image_mtok: 'outputImage',
};
/** Prices of a thousand. */
const FEE_RATES: { readonly [key: string]: FeeClass } = {
  web_searches_kcount: 'webSearch',
  storage_searches_kcount: 'fileSearch',
};

type Rates = { [K in TokenClass]?: NanoUsd };
type Fees = { [K in FeeClass]?: NanoUsd };

/** The book from the pinned package and what is reviewed. Throws where both do not agree, with the model's name. */
export function generateBook(reviewed: readonly ReviewedModel[] = REVIEWED_MODELS, asOf: string = AS_OF): PriceBook {
  const models = reviewed.flatMap((model) => pricesOf(model, asOf));
  const twice = models.find((price, index) => models.findIndex((one) => entryName(one) === entryName(price)) !== index);
  if (twice !== undefined) throw refused(twice, 'is reviewed twice');
  return hashedBook({
    generatedFrom: `${PACKAGE} ${packageVersion()}, rates of ${asOf} and later`,
    models,
    limitSources: sourcesOf(reviewed, models),
    fargate: FARGATE_RATES,
  });
}

/** Those that a model names, each once, by key. */
function sourcesOf(
  reviewed: readonly ReviewedModel[],
  models: readonly ModelPrice[],
): { readonly [key: string]: LimitSource } {
  const used = new Set(models.flatMap(({ limits = [] }) => limits));
  const sources: { [key: string]: LimitSource } = {};
  for (const { key, ...source } of reviewed.flatMap(({ limits }) => limits)) if (used.has(key)) sources[key] = source;
  return Object.fromEntries(Object.entries(sources).sort(([one], [other]) => (one < other ? -1 : 1)));
}

function pricesOf(reviewed: ReviewedModel, asOf: string): readonly ModelPrice[] {
  const { provider, entry, names, maxOutputTokens, accepts, corrections, unverified } = reviewed;
  const found = packageProvider(provider);
  const info = found.models.find(({ id }) => id === entry);
  if (info === undefined) throw refused({ provider, model: entry }, `is not in ${PACKAGE}`);
  for (const model of names) checkName(found, entry, { provider, model }, asOf);

  const named = { provider, model: entry };
  const contextWindow = Math.max(reviewed.contextWindow ?? 0, info.context_window ?? 0);
  if (contextWindow === 0) throw refused(named, 'has no context window');
  const { tiers, fees } = corrected(ratesOf(named, info, asOf), corrections);
  check(named, tiers, accepts.audio, maxOutputTokens);
  const limits = limitsOf(named, reviewed, fees);
  const source = [`genai-prices ${packageVersion()}: ${entry}`, ...corrections.map(({ reason }) => reason)].join('; ');
  return names.map((model) => ({
    provider,
    model,
    contextWindow,
    maxOutputTokens,
    tiers,
    fees,
    accepts,
    source,
    limits,
    ...(unverified === undefined ? {} : { unverified }),
  }));
}

/** The keys of what was read, without sources of fees alone for a model that has none. Throws where nothing was. */
function limitsOf(named: Named, reviewed: ReviewedModel, fees: Fees): readonly string[] {
  const { limits, unverified, accepts, maxOutputTokens } = reviewed;
  const ofFees = ({ of }: NamedSource): boolean => of.every((fact) => fact === 'fees');
  const sources = limits.filter((source) => !ofFees(source) || Object.keys(fees).length > 0);
  const facts = new Set(sources.flatMap(({ of }) => of));
  const needed: readonly LimitFact[] = [
    'window',
    ...(maxOutputTokens > 0 ? ['output' as const] : []),
    ...(accepts.images || accepts.documents || accepts.audio ? ['accepts' as const] : []),
    ...(accepts.maxTokensPerImage === undefined ? [] : ['image' as const]),
  ];
  const missing = needed.filter((fact) => !facts.has(fact));
  if (missing.length > 0 && unverified === undefined) throw refused(named, `has no source for ${missing.join(', ')}`);
  return sources.map(({ key }) => key);
}

/** The package finds models by prefix, and may find another entry than the one that was reviewed. */
function checkName(provider: PackageProvider, entry: string, name: Named, asOf: string): void {
  const found = calcPrice({ input_tokens: 1 }, name.model, { provider, timestamp: new Date(asOf) });
  if (found?.model.id !== entry) throw refused(name, `is priced as ${found?.model.id ?? 'nothing'}, not as ${entry}`);
}

interface Priced {
  readonly tiers: readonly RateTier[];
  readonly fees: Fees;
}

/** The dearest of what holds on that day and what is known to come: no call is to cost more than was thought. */
function ratesOf(named: Named, { prices }: ModelInfo, asOf: string): Priced {
  const conditional = Array.isArray(prices) ? prices : [{ prices }];
  const startOf = ({ constraint }: ConditionalPrice): string => {
    if (constraint === undefined) return '';
    if (constraint.type === 'start_date') return constraint.start_date;
    throw refused(named, 'has a price by the time of day, which a book cannot hold');
  };
  const current = conditional.findLastIndex((one) => startOf(one) <= asOf);
  if (current === -1) throw refused(named, `has no price on ${asOf}`);
  const valid = conditional.slice(current).map((one) => one.prices);

  const starts = valid.flatMap((one) =>
    Object.values(one).flatMap((rate) => (typeof rate === 'object' ? rate.tiers.map(({ start }) => start) : [])),
  );
  const tiers = [...new Set([0, ...starts])]
    .sort((a, b) => a - b)
    .map((aboveInputTokens): RateTier => {
      const rates: Rates = {};
      for (const one of valid) {
        for (const [key, rate] of Object.entries(one)) {
          const token = tokenOf(named.provider, key);
          if (token === undefined || rate === undefined) continue;
          raise(rates, token, usd(rateIn(rate, aboveInputTokens)));
        }
      }
      return { aboveInputTokens, rates };
    });

  const fees: Fees = {};
  for (const one of valid) {
    for (const [key, thousand] of Object.entries(one)) {
      const fee = FEE_RATES[key];
      if (fee !== undefined && typeof thousand === 'number') raise(fees, fee, share(usd(thousand), 1, 1000));
    }
  }
  return { tiers, fees };
}

/** OpenAI keeps what it caches for half an hour, where the package says no more than that it is written. */
function tokenOf(provider: Provider, key: string): TokenClass | undefined {
  const token = TOKEN_RATES[key];
  return token === 'cacheWrite5m' && provider === 'openai' ? 'cacheWrite30m' : token;
}

/** The package's tier holds for more tokens than its start, as ours does. */
function rateIn(rate: number | TieredPrices, aboveInputTokens: number): number {
  if (typeof rate === 'number') return rate;
  return rate.tiers.findLast(({ start }) => start <= aboveInputTokens)?.price ?? rate.base;
}

function raise<K extends string>(prices: { [key in K]?: NanoUsd }, key: K, amount: NanoUsd): void {
  const before = prices[key];
  if (before === undefined || before < amount) prices[key] = amount;
}

function corrected(priced: Priced, corrections: readonly Correction[]): Priced {
  const tiers = priced.tiers.map(({ aboveInputTokens, rates }) => {
    const all: Rates = { ...rates };
    for (const { is, of, percent } of corrections.flatMap((one) => one.rates ?? [])) {
      const base = all[of];
      if (base !== undefined) all[is] = share(base, percent, 100);
    }
    return { aboveInputTokens, rates: all };
  });
  const fees: Fees = { ...priced.fees };
  for (const [fee, thousand] of corrections.flatMap((one) => Object.entries(one.feesPerThousand ?? {}))) {
    fees[fee as FeeClass] = share(usd(thousand), 1, 1000);
  }
  return { tiers, fees };
}

function check(named: Named, tiers: readonly RateTier[], audio: boolean, maxOutputTokens: number): void {
  for (const { rates } of tiers) {
    if (rates.input === undefined) throw refused(named, 'has no rate for input');
    if (maxOutputTokens > 0 && rates.output === undefined) throw refused(named, 'has no rate for output');
    if (audio && rates.inputAudio === undefined) throw refused(named, 'accepts audio and has no rate for it');
  }
}

type Named = Pick<ModelPrice, 'provider' | 'model'>;

function refused(named: Named, why: string): Error {
  return new Error(`${entryName(named)} ${why}: correct scripts/price-book/reviewed-models.ts`);
}

function packageProvider(provider: Provider): PackageProvider {
  const found = findProvider({ providerId: PACKAGE_PROVIDERS[provider] });
  if (found === undefined) throw new Error(`${PACKAGE} has no provider ${PACKAGE_PROVIDERS[provider]}`);
  return found;
}

/** The package has no export of its own description. */
function packageVersion(): string {
  const file = new URL('../package.json', import.meta.resolve(PACKAGE));
  return String((JSON.parse(readFileSync(file, 'utf8')) as { version: unknown }).version);
}
