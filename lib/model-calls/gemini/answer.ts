import type { ModelLookup, ModelPrice } from '../../budget/price-book.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { AnswerReader } from '../answer-meter.ts';
import { jsonTokens, textBytes } from '../bound-text.ts';
import { asList, asObject, asText, parseObject } from '../json-value.ts';
import { reportedAs, seenAtMost, unknownUsage } from '../metered.ts';
import { servedAsPriced } from '../served-model.ts';
import type { ServerSentEvent } from '../sse.ts';
import type { Metered } from '../wire-format.ts';
import type { GeminiRequest } from './request.ts';
import { geminiUsage } from './usage.ts';

const STANDARD_TRAFFIC = new Set<Json | undefined>([undefined, null, 'TRAFFIC_TYPE_UNSPECIFIED', 'ON_DEMAND']);
const STANDARD_TIERS = new Set<Json | undefined>([undefined, null, 'standard', 'unspecified', 'STANDARD']);

/**
 * A generated content: one JSON object; a stream of events with `alt=sse`; without, one JSON list of the same chunks. In
 * a stream every chunk may tell the usage so far, and the last one counts.
 */
export class GeminiAnswer implements AnswerReader {
  readonly mayDrop = false;
  readonly #request: GeminiRequest;
  readonly #price: ModelPrice;
  readonly #models: ModelLookup;
  #usage: JsonObject | undefined;
  #model: string | undefined;
  #wrong: string | undefined;
  #ended = false;
  #seenBytes = 0;

  constructor(request: GeminiRequest, price: ModelPrice, models: ModelLookup) {
    this.#request = request;
    this.#price = price;
    this.#models = models;
  }

  event({ data }: ServerSentEvent): undefined {
    this.#chunk(data === undefined ? undefined : parseObject(data));
  }

  json(body: Json | undefined): void {
    for (const chunk of asList(body) ?? [body]) this.#chunk(asObject(chunk));
  }

  result(whole: boolean): Metered {
    if (this.#wrong !== undefined) return unknownUsage(this.#wrong);
    if (this.#model !== undefined && !servedAsPriced(this.#price, this.#model, this.#models)) {
      return unknownUsage(`it was served by ${this.#model.slice(0, 200)}, which is not what was priced`);
    }
    // A chunk tells the usage so far: only the end of the answer makes it the usage.
    if (!whole || !this.#ended || this.#usage === undefined) return this.#interrupted(whole);
    const { trafficType, serviceTier } = this.#usage;
    if (!STANDARD_TRAFFIC.has(trafficType) || !STANDARD_TIERS.has(serviceTier)) {
      return unknownUsage(`it was served in the tier ${JSON.stringify(serviceTier ?? trafficType).slice(0, 100)}`);
    }
    const usage = geminiUsage(this.#usage, this.#price);
    if (typeof usage === 'string') return unknownUsage(`the usage is wrong: ${usage}`);
    const { output = 0, outputAudio = 0, outputImage = 0 } = usage.tokens;
    if (this.#seenBytes > 0 && output + outputAudio + outputImage === 0) {
      return unknownUsage('the usage is wrong: there was output, but no output token');
    }
    const raw = { usageMetadata: this.#usage, ...(this.#model === undefined ? {} : { modelVersion: this.#model }) };
    return reportedAs(usage, raw, this.#price);
  }

  #chunk(chunk: JsonObject | undefined): void {
    if (chunk === undefined || chunk.error !== undefined) {
      this.#wrong ??= chunk === undefined ? 'a part of the answer could not be read' : 'the answer ends with an error';
      return;
    }
    this.#usage = asObject(chunk.usageMetadata) ?? this.#usage;
    this.#model = asText(chunk.modelVersion) ?? this.#model;
    if (asObject(chunk.promptFeedback)?.blockReason !== undefined) this.#ended = true;
    for (const value of asList(chunk.candidates) ?? []) {
      const candidate = asObject(value);
      if (asText(candidate?.finishReason) !== undefined) this.#ended = true;
      for (const part of asList(asObject(candidate?.content)?.parts) ?? []) this.#part(asObject(part));
    }
  }

  #part(part: JsonObject | undefined): void {
    if (part === undefined) return;
    const text = asText(part.text);
    this.#seenBytes += text === undefined ? jsonTokens(part) : textBytes(text);
  }

  /** Only what never thinks shows all that it used, and only once the provider itself has ended the answer. */
  #interrupted(whole: boolean): Metered {
    const { bound, choices, hasTools, mayThink } = this.#request;
    const reason = whole ? 'the answer has no usage or no end' : 'the answer broke off';
    const seen = !mayThink && !hasTools && bound.outputClasses.length === 1;
    if (!whole || !seen) return unknownUsage(reason);
    return unknownUsage(reason, seenAtMost(bound, this.#price, this.#seenBytes, choices));
  }
}

/** Counting tokens is free, whatever it answers. */
export class FreeAnswer implements AnswerReader {
  readonly mayDrop = false;

  event(): undefined {}

  json(): void {}

  result(): Metered {
    return { kind: 'reported', usage: { tokens: {} }, raw: null };
  }
}
