import type { ModelPrice } from '../../budget/price-book.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { seenAtMost, unknownUsage } from '../metered.ts';
import { tokenCount } from '../token-count.ts';
import type { Metered } from '../wire-format.ts';
import type { ClaudeRequest } from './claude-request.ts';
import { isUntrusted, mergeClaudeUsage, readAs, readClaudeUsage } from './claude-usage.ts';

/** Errors that say that a request was not begun, where they are all that comes. */
const NOT_BEGUN: ReadonlySet<Json | undefined> = new Set([
  'overloaded_error',
  'rate_limit_error',
  'invalid_request_error',
  'authentication_error',
  'permission_error',
  'not_found_error',
  'billing_error',
]);

/**
 * What the events of a streamed answer of Claude say about its usage, however they travel. Nothing is charged that they do
 * not say, and nothing is taken for free because they end early.
 */
export class ClaudeEvents {
  readonly #request: Pick<ClaudeRequest, 'bound' | 'asked'>;
  readonly #price: ModelPrice;
  readonly #served: (model: string) => boolean;
  #usage: JsonObject | undefined;
  /** Why the events cannot be trusted. */
  #broken: string | undefined;
  #error: JsonObject | undefined;
  /** A reason to stop was given: nothing is generated after it. */
  #ended = false;
  #stopped = false;
  #thought = false;
  #outputBytes = 0;

  /** `served`: whether an answer from a model of this name costs what was asked for. */
  constructor(
    request: Pick<ClaudeRequest, 'bound' | 'asked'>,
    price: ModelPrice,
    served: (model: string) => boolean = () => true,
  ) {
    this.#request = request;
    this.#price = price;
    this.#served = served;
  }

  /** `bytes`: how long the event is as text. What is undefined could not be read. */
  take(event: Json | undefined, bytes: number): void {
    if (!isJsonObject(event)) {
      this.#broken ??= 'an event of the answer could not be read';
      return;
    }
    if (event.type === 'ping') return;
    if (this.#stopped) this.#broken ??= 'the answer went on after message_stop';
    switch (event.type) {
      case 'message_start':
        this.#start(event);
        return;
      case 'content_block_start':
        this.#thought ||= isJsonObject(event.content_block) && /thinking/.test(String(event.content_block.type));
        this.#outputBytes += bytes;
        return;
      case 'content_block_delta':
        this.#outputBytes += bytes;
        return;
      case 'message_delta':
        this.#delta(event);
        return;
      case 'message_stop':
        this.#stopped = true;
        return;
      case 'error':
        this.#error = event;
    }
  }

  get usage(): JsonObject | undefined {
    return this.#usage;
  }

  result(): Metered {
    const { bound, asked } = this.#request;
    if (this.#error !== undefined) {
      const error = isJsonObject(this.#error.error) ? this.#error.error : {};
      if (this.#usage === undefined && this.#broken === undefined && NOT_BEGUN.has(error.type)) {
        return { kind: 'not_charged' };
      }
      return this.#unknown(`the answer ended in an error: ${JSON.stringify(error.type ?? null)}`, !asked.hiddenUse);
    }
    if (this.#broken !== undefined) return unknownUsage(this.#broken);
    const read = readClaudeUsage(this.#usage, asked);
    if (this.#stopped) return readAs(read, this.#usage, this.#price);
    // The provider may go on behind a stream that broke, and charges for it.
    if (!this.#ended || isUntrusted(read)) return unknownUsage('the answer ended before message_stop');
    return unknownUsage('the answer ended before message_stop', {
      ...seenAtMost(bound, this.#price, read.tokens.output ?? 0, 0),
      ...(read.fees === undefined ? {} : { fees: read.fees }),
    });
  }

  #start(event: JsonObject): void {
    const message = isJsonObject(event.message) ? event.message : {};
    const { model, usage } = message;
    if (typeof model === 'string' && !this.#served(model)) this.#broken ??= servedBy(model);
    if (this.#usage !== undefined) this.#broken ??= 'the answer has two message_start';
    else if (isJsonObject(usage)) this.#usage = usage;
    else this.#broken ??= 'message_start has no usage';
  }

  #delta(event: JsonObject): void {
    if (isJsonObject(event.delta) && typeof event.delta.stop_reason === 'string') this.#ended = true;
    if (this.#usage === undefined || !isJsonObject(event.usage)) {
      this.#broken ??= 'message_delta has no usage, or comes before message_start';
      return;
    }
    const merged = mergeClaudeUsage(this.#usage, event.usage);
    if (typeof merged === 'string') this.#broken ??= merged;
    else this.#usage = merged;
  }

  /** With what was seen as the most, where nothing was used unseen: a token is never longer than its bytes here. */
  #unknown(reason: string, everythingSeen: boolean): Metered {
    if (!everythingSeen || this.#thought || this.#broken !== undefined) return unknownUsage(reason);
    const { bound } = this.#request;
    const output = Math.max(this.#outputBytes, tokenCount(this.#usage?.output_tokens) ?? 0);
    return unknownUsage(reason, seenAtMost(bound, this.#price, output, 1));
  }
}

export function servedBy(model: string): string {
  return `another model served it: ${JSON.stringify(model.slice(0, 100))}`;
}
