import type { ModelLookup, ModelPrice } from '../../budget/price-book.ts';
import type { FeeClass, Usage } from '../../budget/usage.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { AnswerReader } from '../answer-meter.ts';
import { textBytes } from '../bound-text.ts';
import { asList, asObject, asText, parseObject } from '../json-value.ts';
import { reportedAs, seenAtMost, unknownUsage } from '../metered.ts';
import { servedAsPriced } from '../served-model.ts';
import type { ServerSentEvent } from '../sse.ts';
import { tokenCount } from '../token-count.ts';
import type { Metered } from '../wire-format.ts';
import { rawOf } from './chat-answer.ts';
import { isStandardTier, writesOnlyWhatIsSeen } from './common-fields.ts';
import type { ResponsesRequest } from './responses-request.ts';
import { openaiUsage, RESPONSES_NAMES } from './usage.ts';

/** After any of these nothing comes; all of them carry the response with its usage. */
const TERMINAL_EVENTS = new Set(['response.completed', 'response.incomplete', 'response.failed']);
const TERMINAL_STATES = new Set<Json | undefined>(['completed', 'incomplete', 'failed', 'cancelled']);

/** A response, whole or as a stream of events. */
export class ResponsesAnswer implements AnswerReader {
  readonly mayDrop = false;
  readonly #request: ResponsesRequest;
  readonly #price: ModelPrice;
  readonly #models: ModelLookup;
  #response: JsonObject | undefined;
  #unreadable = false;
  #seenBytes = 0;

  constructor(request: ResponsesRequest, price: ModelPrice, models: ModelLookup) {
    this.#request = request;
    this.#price = price;
    this.#models = models;
  }

  event({ data }: ServerSentEvent): undefined {
    if (data?.trim() === '[DONE]') return;
    const event = data === undefined ? undefined : parseObject(data);
    const type = asText(event?.type);
    if (event === undefined || type === undefined) {
      this.#unreadable = true;
    } else if (TERMINAL_EVENTS.has(type)) {
      this.#response = asObject(event.response);
    } else if (type.endsWith('.delta')) {
      this.#seenBytes += textBytes(asText(event.delta) ?? JSON.stringify(event.delta ?? null));
    }
  }

  json(body: Json | undefined): void {
    this.#response = asObject(body);
  }

  result(whole: boolean): Metered {
    const response = this.#response;
    if (response === undefined) return this.#interrupted(whole);
    if (!TERMINAL_STATES.has(response.status)) {
      return unknownUsage(`the response has the status ${JSON.stringify(response.status ?? null).slice(0, 100)}`);
    }
    const model = asText(response.model);
    if (model !== undefined && !servedAsPriced(this.#price, model, this.#models)) {
      return unknownUsage(`it was served by ${model.slice(0, 200)}, which is not what was priced`);
    }
    if (!isStandardTier(response.service_tier)) {
      return unknownUsage(`it was served in the tier ${JSON.stringify(response.service_tier).slice(0, 100)}`);
    }
    const told = asObject(response.usage);
    if (told === undefined) return unknownUsage('the answer has no usage');
    const usage = openaiUsage(told, RESPONSES_NAMES);
    if (typeof usage === 'string') return unknownUsage(`the usage is wrong: ${usage}`);
    const fees = this.#fees(response);
    if (typeof fees === 'string') return unknownUsage(fees);
    const all: Usage = Object.keys(fees).length === 0 ? usage : { ...usage, fees };
    return reportedAs(all, rawOf(told, model, response.service_tier), this.#price);
  }

  /** Uses of tools are not in the usage: they are items of the output. */
  #fees(response: JsonObject): NonNullable<Usage['fees']> | string {
    const output = asList(response.output);
    if (output === undefined) return 'the answer has no list of what it did';
    const items = output.map(asObject);
    const ofType = (type: string) => items.filter((item) => item?.type === type);
    const containers = new Set(ofType('code_interpreter_call').map((item) => item?.container_id ?? null));
    const fees: { [K in FeeClass]?: number } = {
      webSearch: searches(response) ?? ofType('web_search_call').length,
      fileSearch: ofType('file_search_call').length,
      codeInterpreter: containers.size,
    };
    const used = Object.entries(fees).filter(([, pieces]) => pieces > 0);
    const unasked = used.find(([fee]) => !this.#request.fees.has(fee as FeeClass));
    if (unasked !== undefined) return `it used ${unasked[0]}, which was not asked for`;
    return Object.fromEntries(used);
  }

  #interrupted(whole: boolean): Metered {
    const reason = whole ? 'the answer has no usage' : 'the answer broke off before its usage';
    const seen = !this.#unreadable && !this.#request.hasTools && writesOnlyWhatIsSeen(this.#price.model);
    // Without its last event, only a stream that the provider itself ended is known to go on nowhere.
    if (!this.#request.stream || !whole || !seen) return unknownUsage(reason);
    return unknownUsage(reason, seenAtMost(this.#request.bound, this.#price, this.#seenBytes, 1));
  }
}

/** The provider's own count of searches, where it gives one: one item may stand for several. */
function searches(response: JsonObject): number | undefined {
  return tokenCount(asObject(asObject(response.tool_usage)?.web_search)?.num_requests);
}
