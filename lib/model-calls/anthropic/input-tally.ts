import type { ModelPrice } from '../../budget/price-book.ts';
import type { TokenClass } from '../../budget/usage.ts';
import type { Json } from '../../json.ts';
import { jsonTokens, type TemplateTokens, templateTokens } from '../bound-text.ts';
import { InputBound } from '../input-bound.ts';
import { hasRate } from '../priced-classes.ts';
import { unpricedFeature } from '../refusals.ts';
import { CallRefused } from '../wire-format.ts';

/**
 * Anthropic documents up to 530 tokens for the system prompt that tools bring, and does not document what it writes around
 * messages, thinking and output schemas. These are far above what its counts show; the bytes of names and quotes that are
 * never sent to a model come on top.
 */
const TEMPLATE: TemplateTokens = { request: 512, message: 32, tools: 2048, tool: 128 };
/** What marks a block in a message: a call of a tool and its result have a frame and an id. */
const BLOCK_TOKENS = 32;

export type CacheTtl = '5m' | '1h';

const WRITES = { '5m': 'cacheWrite5m', '1h': 'cacheWrite1h' } as const satisfies Record<CacheTtl, TokenClass>;

/** The most tokens that the parts of a request can be, for the providers of Claude. */
export class InputTally {
  readonly #price: ModelPrice;
  readonly #input: InputBound;
  readonly #ttls = new Set<CacheTtl>();
  #messages = 0;
  #tools = 0;

  constructor(price: ModelPrice) {
    this.#price = price;
    this.#input = new InputBound(price);
    // Some models read from a cache that nobody asked for.
    if (hasRate(price, 'cacheRead')) this.#input.mayBe('cacheRead');
  }

  text(text: string): void {
    this.#input.text(text);
  }

  /** A schema, or arguments of a tool. */
  json(value: Json): void {
    this.#input.tokens(jsonTokens(value));
  }

  message(): void {
    this.#messages++;
  }

  block(): void {
    this.#input.tokens(BLOCK_TOKENS);
  }

  tool(): void {
    this.#tools++;
  }

  image(path: string): void {
    this.#input.image(path);
  }

  document(path: string): void {
    this.#input.document(path);
  }

  /**
   * Reasoning of an earlier turn, which its signature carries encrypted and maybe compressed: as much as one turn of the
   * model can be.
   */
  earlierReasoning(): void {
    this.#input.tokens(this.#price.maxOutputTokens);
  }

  /** Something whose size as tokens cannot be told. */
  window(): void {
    this.#input.wholeWindow();
  }

  /** Throws `unpriced_feature` where the price has no rate for it. */
  cached(ttl: CacheTtl): void {
    if (!hasRate(this.#price, WRITES[ttl])) {
      throw new CallRefused(unpricedFeature(`a cache entry of ${ttl} for ${this.#price.model}`));
    }
    this.#ttls.add(ttl);
    this.#input.mayBe(WRITES[ttl]);
  }

  /** The longest that was asked for: what a provider does not split counts as it. */
  get dearestTtl(): CacheTtl {
    return this.#ttls.has('1h') ? '1h' : '5m';
  }

  tokens(): number {
    return Math.min(
      this.#price.contextWindow,
      this.#input.total() + templateTokens(TEMPLATE, this.#messages, this.#tools),
    );
  }

  classes(): readonly TokenClass[] {
    return this.#input.classes();
  }
}
