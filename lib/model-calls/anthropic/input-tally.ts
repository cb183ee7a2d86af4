import type { ModelPrice } from '../../budget/price-book.ts';
import type { TokenClass } from '../../budget/usage.ts';
import type { Json } from '../../json.ts';
import { jsonTokens, type TemplateTokens, templateTokens, textBytes } from '../bound-text.ts';
import { unpricedFeature } from '../refusals.ts';
import { CallRefused } from '../wire-format.ts';

/**
 * Anthropic documents up to 530 tokens for the system prompt that tools bring, and does not document what it writes around
 * messages, thinking and output schemas. These are far above what its counts show; the bytes of names and quotes that are
 * never sent to a model come on top.
 */
const TEMPLATE: TemplateTokens = { request: 512, message: 32, tools: 2048, tool: 128 };

export type CacheTtl = '5m' | '1h';

/** The most tokens that the parts of a request can be. What has no bound of its own counts as the whole window. */
export class InputTally {
  readonly #price: ModelPrice;
  #tokens = 0;
  #messages = 0;
  #tools = 0;
  #unbounded = false;
  readonly #ttls = new Set<CacheTtl>();

  constructor(price: ModelPrice) {
    this.#price = price;
  }

  text(text: string): void {
    this.#tokens += textBytes(text);
  }

  /** A schema, or arguments of a tool. A provider may write them with every other character as `\u1234`. */
  json(value: Json): void {
    const text = JSON.stringify(value);
    let ascii = 0;
    for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) < 0x80) ascii++;
    // Three bytes of such an escape for each byte of UTF-8 at most: one more of each kind than `jsonTokens` counts.
    this.#tokens += jsonTokens(value) + 2 * (textBytes(text) - ascii);
  }

  message(): void {
    this.#messages++;
  }

  tool(): void {
    this.#tools++;
  }

  /** `where` is the field, for the refusal. */
  image(where: string): void {
    if (!this.#price.accepts.images) throw new CallRefused(unpricedFeature(`an image (${where}) for this model`));
    this.#count(this.#price.accepts.maxTokensPerImage);
  }

  /** A file whose pages nobody here can count. */
  document(where: string): void {
    if (!this.#price.accepts.documents) throw new CallRefused(unpricedFeature(`a document (${where}) for this model`));
    this.window();
  }

  /**
   * Reasoning of an earlier turn, which its signature carries encrypted and maybe compressed: as much as one turn of the
   * model can be.
   */
  earlierReasoning(): void {
    this.#tokens += this.#price.maxOutputTokens;
  }

  /** Something whose size as tokens cannot be told. */
  window(): void {
    this.#unbounded = true;
  }

  cached(ttl: CacheTtl): void {
    this.#ttls.add(ttl);
  }

  /** The longest that was asked for: what a provider does not split counts as it. Undefined where none was. */
  get dearestTtl(): CacheTtl | undefined {
    return this.#ttls.has('1h') ? '1h' : this.#ttls.has('5m') ? '5m' : undefined;
  }

  tokens(): number {
    if (this.#unbounded) return this.#price.contextWindow;
    const template = templateTokens(TEMPLATE, this.#messages, this.#tools);
    return Math.min(this.#price.contextWindow, this.#tokens + template);
  }

  /** Throws `unpriced_feature` where the price has no rate for what was asked to be cached. */
  classes(): readonly TokenClass[] {
    const wanted: TokenClass[] = [
      ...(this.#ttls.has('5m') ? (['cacheWrite5m'] as const) : []),
      ...(this.#ttls.has('1h') ? (['cacheWrite1h'] as const) : []),
    ];
    for (const name of wanted) {
      if (!hasRate(this.#price, name)) {
        throw new CallRefused(
          unpricedFeature(`a cache entry of ${name === 'cacheWrite1h' ? '1h' : '5m'} for this model`),
        );
      }
    }
    // Some models read from a cache that nobody asked for.
    return ['input', ...wanted, ...(hasRate(this.#price, 'cacheRead') ? (['cacheRead'] as const) : [])];
  }

  #count(tokens: number | undefined): void {
    if (tokens === undefined) this.window();
    else this.#tokens += tokens;
  }
}

/** In every tier: a request may reach any of them. */
export function hasRate(price: ModelPrice, name: TokenClass): boolean {
  return price.tiers.every(({ rates }) => rates[name] !== undefined);
}
