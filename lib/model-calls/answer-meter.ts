import type { Json } from '../json.ts';
import { AnswerBody } from './answer-body.ts';
import { failedAnswer } from './failed-answer.ts';
import { unknownUsage } from './metered.ts';
import { type ServerSentEvent, SseSplitter } from './sse.ts';
import type { Metered, UsageMeter } from './wire-format.ts';

/** What a wire format makes of the answer to one call. */
export interface AnswerReader {
  /** Whether `event` may take an event out of the stream. */
  readonly mayDrop: boolean;
  /** Returns false for an event that does not go on to the client. */
  event(event: ServerSentEvent): boolean | undefined;
  /** A JSON answer that is complete; undefined where it could not be read. */
  json(body: Json | undefined): void;
  /** `whole`: the answer came to its proper end. */
  result(whole: boolean): Metered;
}

/** Splits an answer by its status and type, for formats that speak JSON and server-sent events. */
export class AnswerMeter implements UsageMeter {
  readonly #reader: AnswerReader;
  #decided: Metered | undefined = unknownUsage('there was no answer');
  #events: SseSplitter | undefined;
  #body: AnswerBody | undefined;
  #ended = false;
  #whole = false;

  constructor(reader: AnswerReader) {
    this.#reader = reader;
  }

  begin(status: number, headers: ReadonlyMap<string, string>): void {
    const encoding = headers.get('content-encoding') ?? 'identity';
    if (status < 200 || status >= 300) this.#decided = failedAnswer(status);
    else if (encoding !== 'identity') this.#decided = unknownUsage(`the answer has the encoding ${encoding}`);
    else {
      this.#decided = undefined;
      if ((headers.get('content-type') ?? '').toLowerCase().startsWith('text/event-stream')) {
        this.#events = new SseSplitter({
          mayDrop: this.#reader.mayDrop,
          onEvent: (event) => this.#reader.event(event),
        });
      } else this.#body = new AnswerBody();
    }
  }

  push(chunk: Uint8Array): Uint8Array {
    if (this.#events !== undefined) return this.#events.push(chunk);
    this.#body?.push(chunk);
    return chunk;
  }

  end(whole: boolean): Uint8Array {
    if (this.#ended) return new Uint8Array();
    this.#ended = true;
    this.#whole = whole;
    if (this.#events !== undefined) return this.#events.end(whole);
    if (whole && this.#body !== undefined) this.#reader.json(this.#body.parse());
    return new Uint8Array();
  }

  result(): Metered {
    if (this.#decided !== undefined) return this.#decided;
    return this.#reader.result(this.#whole);
  }
}
