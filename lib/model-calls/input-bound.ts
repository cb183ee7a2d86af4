import type { ModelPrice } from '../budget/price-book.ts';
import type { TokenClass } from '../budget/usage.ts';
import { textBytes } from './bound-text.ts';
import { unpricedFeature } from './refusals.ts';
import { CallRefused } from './wire-format.ts';

/**
 * Adds up the most tokens that a model reads of a request. What cannot be counted from outside (a document, an image
 * without a known limit, what a provider kept of an earlier call) counts as the whole context window, and never as 0.
 */
export class InputBound {
  readonly #price: ModelPrice;
  readonly #classes = new Set<TokenClass>(['input']);
  #tokens = 0;

  constructor(price: ModelPrice) {
    this.#price = price;
  }

  text(text: string): void {
    this.#tokens += textBytes(text);
  }

  tokens(tokens: number): void {
    this.#tokens += tokens;
  }

  wholeWindow(): void {
    this.#tokens = Number.MAX_SAFE_INTEGER;
  }

  mayBe(token: TokenClass): void {
    this.#classes.add(token);
  }

  /** One image, by whatever it is sent. `path` names it where the model takes none. */
  image(path: string): void {
    const { images, maxTokensPerImage } = this.#price.accepts;
    if (!images) throw this.#unpriced(path, 'an image');
    if (maxTokensPerImage === undefined) this.wholeWindow();
    else this.tokens(maxTokensPerImage);
  }

  document(path: string): void {
    if (!this.#price.accepts.documents) throw this.#unpriced(path, 'a document');
    this.wholeWindow();
  }

  audio(path: string): void {
    if (!this.#price.accepts.audio) throw this.#unpriced(path, 'audio');
    this.wholeWindow();
  }

  /** At most the window: a provider refuses more, and does not charge for that. */
  total(): number {
    return Math.min(this.#tokens, this.#price.contextWindow);
  }

  classes(): readonly TokenClass[] {
    return [...this.#classes];
  }

  #unpriced(path: string, what: string): CallRefused {
    return new CallRefused(
      unpricedFeature(`${path}: ${what} for ${this.#price.model}`, 'send text only, or use a model that reads it'),
    );
  }
}
