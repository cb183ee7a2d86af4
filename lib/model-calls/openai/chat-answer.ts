import type { ModelLookup, ModelPrice } from '../../budget/price-book.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { AnswerReader } from '../answer-meter.ts';
import { asList, asObject, asText, parseObject } from '../json-value.ts';
import { reportedAs, seenAtMost, unknownUsage } from '../metered.ts';
import { servedAsPriced } from '../served-model.ts';
import type { ServerSentEvent } from '../sse.ts';
import type { Metered } from '../wire-format.ts';
import { type ChatRequest, visibleBytes } from './chat-request.ts';
import { isStandardTier, writesOnlyWhatIsSeen } from './common-fields.ts';
import { CHAT_NAMES, openaiUsage } from './usage.ts';

/**
 * A chat completion, whole or in chunks. In a stream the usage stands in a chunk of its own, without choices, between the
 * last choice and `[DONE]`; it is taken out again where only we asked for it.
 */
export class ChatAnswer implements AnswerReader {
  readonly mayDrop: boolean;
  readonly #request: ChatRequest;
  readonly #price: ModelPrice;
  readonly #models: ModelLookup;
  #usage: JsonObject | undefined;
  /** The usage chunk or `[DONE]` came: no more is generated. */
  #closed = false;
  #model: string | undefined;
  #tier: Json | undefined;
  #wrong: string | undefined;
  #seenBytes = 0;
  readonly #finished = new Set<Json>();

  constructor(request: ChatRequest, price: ModelPrice, models: ModelLookup) {
    this.mayDrop = request.stream && !request.asksForUsage;
    this.#request = request;
    this.#price = price;
    this.#models = models;
  }

  event({ data }: ServerSentEvent): boolean {
    if (data?.trim() === '[DONE]') {
      this.#closed = true;
      return true;
    }
    const chunk = data === undefined ? undefined : parseObject(data);
    if (chunk === undefined) {
      this.#wrong ??= 'an event of the stream could not be read';
      return true;
    }
    const usage = asObject(chunk.usage);
    const choices = asList(chunk.choices);
    this.#identify(chunk);
    for (const value of choices ?? []) this.#choice(asObject(value), 'delta');
    if (usage === undefined) return true;
    this.#usage = usage;
    if (choices?.length !== 0) return true;
    this.#closed = true;
    return this.#request.asksForUsage;
  }

  json(body: Json | undefined): void {
    const answer = asObject(body);
    if (answer === undefined) {
      this.#wrong = 'the answer is no JSON object';
      return;
    }
    this.#identify(answer);
    for (const value of asList(answer.choices) ?? []) this.#choice(asObject(value), 'message');
    this.#usage = asObject(answer.usage);
    this.#closed = true;
  }

  result(whole: boolean): Metered {
    if (this.#wrong !== undefined) return unknownUsage(this.#wrong);
    if (this.#model !== undefined && !servedAsPriced(this.#price, this.#model, this.#models)) {
      return unknownUsage(`it was served by ${this.#model.slice(0, 200)}, which is not what was priced`);
    }
    if (!isStandardTier(this.#tier)) {
      return unknownUsage(`it was served in the tier ${JSON.stringify(this.#tier).slice(0, 100)}`);
    }
    if (this.#usage === undefined || !(this.#closed || whole)) return this.#interrupted(whole);
    const usage = openaiUsage(this.#usage, CHAT_NAMES);
    if (typeof usage === 'string') return unknownUsage(`the usage is wrong: ${usage}`);
    if (this.#seenBytes > 0 && (usage.tokens.output ?? 0) + (usage.tokens.outputAudio ?? 0) === 0) {
      return unknownUsage('the usage is wrong: there was output, but no output token');
    }
    return reportedAs(usage, rawOf(this.#usage, this.#model, this.#tier), this.#price);
  }

  #identify(answer: JsonObject): void {
    this.#model = asText(answer.model) ?? this.#model;
    this.#tier = answer.service_tier ?? this.#tier;
  }

  #choice(choice: JsonObject | undefined, part: 'delta' | 'message'): void {
    if (this.#closed) this.#wrong ??= 'there was output after the usage';
    const reason = choice?.finish_reason;
    if (reason !== undefined && reason !== null) this.#finished.add(choice?.index ?? null);
    const content = asObject(choice?.[part]);
    if (content !== undefined) this.#seenBytes += visibleBytes(content);
  }

  /** A provider may go on after a connection broke, so that only what came to its end was all seen. */
  #interrupted(whole: boolean): Metered {
    const { bound, choices, hasTools } = this.#request;
    const reason = whole ? 'the answer has no usage' : 'the answer broke off before its usage';
    const ended = whole || this.#finished.size === choices;
    const seen = !hasTools && bound.outputClasses.length === 1 && writesOnlyWhatIsSeen(this.#price.model);
    if (!this.#request.stream || !ended || !seen) return unknownUsage(reason);
    return unknownUsage(reason, seenAtMost(bound, this.#price, this.#seenBytes, choices));
  }
}

/** For the ledger: what the provider said, in its own words. */
export function rawOf(usage: JsonObject, model: string | undefined, tier: Json | undefined): Json {
  return {
    usage,
    ...(model === undefined ? {} : { model }),
    ...(tier === undefined ? {} : { service_tier: tier }),
  };
}
