import type { ModelPrice } from '../../budget/price-book.ts';
import { isJsonObject, type Json } from '../../json.ts';
import { AnswerBody } from '../answer-body.ts';
import { SseSplitter } from '../sse.ts';
import type { Metered, UsageMeter } from '../wire-format.ts';
import { ClaudeEvents } from './claude-events.ts';
import type { ClaudeRequest } from './claude-request.ts';
import { readClaudeUsage } from './claude-usage.ts';
import { failedAnswer } from './failed-answer.ts';
import { metered, unknownUse } from './metered.ts';

const NOTHING = new Uint8Array();

/** Reads the answer to `POST /v1/messages`, streamed or not. Every byte passes on as it came. */
export class MessagesMeter implements UsageMeter {
  readonly #request: ClaudeRequest;
  readonly #price: ModelPrice;
  readonly #body = new AnswerBody();
  readonly #events: ClaudeEvents;
  readonly #splitter: SseSplitter | undefined;
  #status = 0;
  #whole = false;

  constructor(request: ClaudeRequest, price: ModelPrice, stream: boolean) {
    this.#request = request;
    this.#price = price;
    this.#events = new ClaudeEvents(request, price);
    this.#splitter = stream ? sseOf(this.#events) : undefined;
  }

  begin(status: number): void {
    this.#status = status;
  }

  push(chunk: Uint8Array): Uint8Array {
    if (this.#status === 200 && this.#splitter !== undefined) this.#splitter.push(chunk);
    else this.#body.push(chunk);
    return chunk;
  }

  end(whole: boolean): Uint8Array {
    this.#whole = whole;
    this.#splitter?.end(whole);
    return NOTHING;
  }

  result(): Metered {
    if (this.#status === 0) return unknownUse('the provider did not answer');
    if (this.#status !== 200) return failedAnswer(this.#status, isAnthropicError(this.#body.parse()));
    if (this.#splitter !== undefined) return this.#events.result();
    if (!this.#whole) return unknownUse('the answer was cut off');
    const body = this.#body.parse();
    if (!isJsonObject(body)) return unknownUse('the answer is no JSON');
    return metered(readClaudeUsage(body.usage, this.#request.asked), body.usage ?? null, this.#price);
  }
}

export function isAnthropicError(body: Json | undefined): boolean {
  return isJsonObject(body) && body.type === 'error' && isJsonObject(body.error);
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
