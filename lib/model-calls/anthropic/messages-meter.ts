import type { ModelPrice } from '../../budget/price-book.ts';
import { isJsonObject, type Json } from '../../json.ts';
import { AnswerBody } from '../answer-body.ts';
import { failedAnswer } from '../failed-answer.ts';
import { unknownUsage } from '../metered.ts';
import { SseSplitter } from '../sse.ts';
import type { Metered, UsageMeter } from '../wire-format.ts';
import { ClaudeEvents, servedBy } from './claude-events.ts';
import type { ClaudeRequest } from './claude-request.ts';
import { readAs, readClaudeUsage } from './claude-usage.ts';

const NOTHING = new Uint8Array();

/** Reads the answer to `POST /v1/messages`, streamed or not. Every byte passes on as it came. */
export class MessagesMeter implements UsageMeter {
  readonly #request: ClaudeRequest;
  readonly #price: ModelPrice;
  readonly #served: (model: string) => boolean;
  readonly #body = new AnswerBody();
  readonly #events: ClaudeEvents;
  readonly #splitter: SseSplitter | undefined;
  #status = 0;
  #whole = false;

  constructor(request: ClaudeRequest, price: ModelPrice, stream: boolean, served: (model: string) => boolean) {
    this.#request = request;
    this.#price = price;
    this.#served = served;
    this.#events = new ClaudeEvents(request, price, served);
    this.#splitter = stream ? sseOf(this.#events) : undefined;
  }

  begin(status: number): void {
    this.#status = status;
  }

  push(chunk: Uint8Array): Uint8Array {
    if (this.#status !== 200) return chunk;
    if (this.#splitter === undefined) this.#body.push(chunk);
    else this.#splitter.push(chunk);
    return chunk;
  }

  end(whole: boolean): Uint8Array {
    this.#whole = whole;
    this.#splitter?.end(whole);
    return NOTHING;
  }

  result(): Metered {
    if (this.#status !== 200) return failedAnswer(this.#status);
    if (this.#splitter !== undefined) return this.#events.result();
    if (!this.#whole) return unknownUsage('the answer was cut off');
    const body = this.#body.parse();
    if (!isJsonObject(body)) return unknownUsage('the answer is no JSON');
    if (typeof body.model === 'string' && !this.#served(body.model)) return unknownUsage(servedBy(body.model));
    return readAs(readClaudeUsage(body.usage, this.#request.asked), body.usage, this.#price);
  }
}

function sseOf(events: ClaudeEvents): SseSplitter {
  return new SseSplitter({
    mayDrop: false,
    onEvent: ({ data }) => {
      events.take(data === undefined ? undefined : readJson(data), Buffer.byteLength(data ?? ''));
      return undefined;
    },
  });
}

function readJson(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Counting tokens is free. */
export class CountTokensMeter implements UsageMeter {
  readonly #body = new AnswerBody();
  #status = 0;

  begin(status: number): void {
    this.#status = status;
  }

  push(chunk: Uint8Array): Uint8Array {
    this.#body.push(chunk);
    return chunk;
  }

  end(): Uint8Array {
    return NOTHING;
  }

  result(): Metered {
    if (this.#status !== 200) return { kind: 'not_charged' };
    const body = this.#body.parse();
    const counted = isJsonObject(body) && typeof body.input_tokens === 'number' ? body.input_tokens : null;
    return { kind: 'reported', usage: { tokens: {} }, raw: { input_tokens: counted } };
  }
}
