import type { ModelPrice } from '../../budget/price-book.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { AnswerBody } from '../answer-body.ts';
import { readAs } from '../anthropic/claude-usage.ts';
import { failedAnswer } from '../failed-answer.ts';
import { seenAtMost, unknownUsage } from '../metered.ts';
import type { Metered, UsageMeter } from '../wire-format.ts';
import type { ConverseRequest } from './converse-request.ts';
import { readConverseUsage } from './converse-usage.ts';
import { type EventStreamMessage, EventStreamReader } from './event-stream.ts';

const NOTHING = new Uint8Array();

/** Exceptions that say that a call was not begun, where they are all that comes. */
export const NOT_BEGUN: ReadonlySet<string> = new Set([
  'throttlingException',
  'validationException',
  'serviceUnavailableException',
]);

/** Reads the answer to `converse`, one JSON object. Every byte passes on as it came. */
export class ConverseMeter implements UsageMeter {
  readonly #request: ConverseRequest;
  readonly #price: ModelPrice;
  readonly #body = new AnswerBody();
  #status = 0;
  #whole = false;

  constructor(request: ConverseRequest, price: ModelPrice) {
    this.#request = request;
    this.#price = price;
  }

  begin(status: number): void {
    this.#status = status;
  }

  push(chunk: Uint8Array): Uint8Array {
    this.#body.push(chunk);
    return chunk;
  }

  end(whole: boolean): Uint8Array {
    this.#whole = whole;
    return NOTHING;
  }

  result(): Metered {
    if (this.#status !== 200) return failedAnswer(this.#status);
    if (!this.#whole) return unknownUsage('the answer was cut off');
    return converseUse(this.#body.parse(), this.#request, this.#price);
  }
}

function converseUse(answer: Json | undefined, request: ConverseRequest, price: ModelPrice): Metered {
  const raw = isJsonObject(answer) ? answer.usage : undefined;
  return readAs(readConverseUsage(answer, request.dearestTtl), raw, price);
}

/** Reads the answer to `converse-stream`, an event stream whose last event, `metadata`, has the usage. */
export class ConverseStreamMeter implements UsageMeter {
  readonly #request: ConverseRequest;
  readonly #price: ModelPrice;
  readonly #reader = new EventStreamReader((message) => this.#take(message));
  #status = 0;
  #events = 0;
  #metadata: JsonObject | undefined;
  #stopped = false;
  #exception: string | undefined;
  #broken: string | undefined;
  #reasoned = false;
  #outputBytes = 0;

  constructor(request: ConverseRequest, price: ModelPrice) {
    this.#request = request;
    this.#price = price;
  }

  begin(status: number): void {
    this.#status = status;
  }

  push(chunk: Uint8Array): Uint8Array {
    if (this.#status === 200) this.#reader.push(chunk);
    return chunk;
  }

  end(_whole: boolean): Uint8Array {
    return NOTHING;
  }

  result(): Metered {
    if (this.#status !== 200) return failedAnswer(this.#status);
    if (this.#reader.broken) return unknownUsage('a checksum of the event stream is wrong');
    if (this.#exception !== undefined) return this.#afterException(this.#exception);
    if (this.#broken !== undefined) return unknownUsage(this.#broken);
    if (this.#reader.cutOff || !this.#stopped || this.#metadata === undefined) {
      return unknownUsage('the answer ended before its metadata');
    }
    return converseUse(this.#metadata, this.#request, this.#price);
  }

  #take({ kind, type, body }: EventStreamMessage): void {
    if (kind !== 'event') {
      this.#exception ??= type;
      return;
    }
    this.#events++;
    const event = readJson(body);
    if (event === undefined) this.#broken ??= 'an event of the answer could not be read';
    else if (type === 'contentBlockStart' || type === 'contentBlockDelta') {
      this.#outputBytes += body.length;
      this.#reasoned ||= isJsonObject(event.delta) && 'reasoningContent' in event.delta;
    } else if (type === 'messageStop') this.#stopped = true;
    else if (type === 'metadata') {
      if (this.#metadata !== undefined || !this.#stopped) this.#broken ??= 'metadata came twice, or before messageStop';
      this.#metadata = event;
    }
  }

  #afterException(type: string): Metered {
    if (this.#events === 0 && NOT_BEGUN.has(type)) return { kind: 'not_charged' };
    const reason = `the answer ended in ${type === '' ? 'an exception' : type}`;
    const everythingSeen = !this.#request.hiddenUse && !this.#reasoned && this.#broken === undefined;
    return everythingSeen
      ? unknownUsage(reason, seenAtMost(this.#request.bound, this.#price, this.#outputBytes, 1))
      : unknownUsage(reason);
  }
}

export function readJson(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
