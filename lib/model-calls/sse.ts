/** One event of a stream of server-sent events. */
export interface ServerSentEvent {
  /** The `event` field; empty where there is none. */
  readonly event: string;
  /** The `data` lines, joined by line feeds. Undefined where it is too long to be looked at, or not UTF-8. */
  readonly data: string | undefined;
}

/** Far above what providers send at once: the last event of OpenAI Responses repeats the whole answer. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024;

const CR = 0x0d;
const LF = 0x0a;

export interface SplitterOptions {
  /**
   * Called once for every event that has data, in order. With `mayDrop`, returning false takes the event out of what is
   * passed on.
   */
  onEvent(event: ServerSentEvent): boolean | undefined;
  /**
   * Whether an event may be taken out: bytes then pass on when their event is complete. Otherwise every chunk passes on
   * as it came, at once.
   */
  readonly mayDrop: boolean;
  readonly maxEventBytes?: number;
}

/**
 * Splits a byte stream into server-sent events, however it was cut into chunks (in the middle of a character, of a line
 * end), by the rules of the HTML standard: lines end with LF, CRLF or CR, events with an empty line. What is passed on
 * are the same bytes, comments too, without the events that were dropped. An event that is longer than the limit is
 * passed on unread, so that memory stays bounded.
 */
export class SseSplitter {
  readonly #options: SplitterOptions;
  readonly #max: number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #lineEmpty = true;
  #afterCr = false;
  #overlong = false;
  #atStart = true;

  constructor(options: SplitterOptions) {
    this.#options = options;
    this.#max = options.maxEventBytes ?? MAX_EVENT_BYTES;
  }

  /** Returns what is passed on now. */
  push(chunk: Uint8Array): Uint8Array {
    const out: Uint8Array[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      const secondOfCrLf = byte === LF && this.#afterCr;
      this.#afterCr = byte === CR;
      if (secondOfCrLf) continue;
      if (byte !== LF && byte !== CR) {
        this.#lineEmpty = false;
        continue;
      }
      if (!this.#lineEmpty) {
        this.#lineEmpty = true;
        continue;
      }
      // An empty line: the event ends here, with the LF of a CRLF where it is there already.
      if (byte === CR && chunk[at + 1] === LF) {
        at++;
        this.#afterCr = false;
      }
      this.#take(chunk.subarray(from, at + 1), out);
      this.#complete(out);
      from = at + 1;
    }
    this.#take(chunk.subarray(from), out);
    return this.#options.mayDrop ? concat(out) : chunk;
  }

  /** `whole`: the stream came to its proper end, so an event that lacks only its empty line counts. */
  end(whole: boolean): Uint8Array {
    const out: Uint8Array[] = [];
    if (whole) this.#complete(out);
    else out.push(...this.#pending);
    this.#pending = [];
    return this.#options.mayDrop ? concat(out) : new Uint8Array();
  }

  #take(bytes: Uint8Array, out: Uint8Array[]): void {
    if (bytes.length === 0) return;
    if (!this.#overlong && this.#pendingBytes + bytes.length > this.#max) {
      this.#overlong = true;
      out.push(...this.#pending);
      this.#pending = [];
    }
    this.#pendingBytes += bytes.length;
    if (this.#overlong) out.push(bytes);
    // A copy, since whoever gave the chunk may use its memory again; `slice` of a Buffer would be none.
    else this.#pending.push(new Uint8Array(bytes));
  }

  #complete(out: Uint8Array[]): void {
    const overlong = this.#overlong;
    const bytes = concat(this.#pending);
    const first = this.#atStart;
    this.#atStart = false;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#overlong = false;
    const event = overlong ? { event: '', data: undefined } : parseEvent(bytes, first);
    const kept = event === undefined || this.#options.onEvent(event) !== false;
    if (kept || overlong) out.push(bytes);
  }
}

/** Undefined where there is no `data`, as in comments that keep a connection alive. */
function parseEvent(bytes: Uint8Array, first: boolean): ServerSentEvent | undefined {
  let text: string;
  try {
    // Only the start of the stream may have a byte order mark.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: !first }).decode(bytes);
  } catch {
    return { event: '', data: undefined };
  }
  let event = '';
  const data: string[] = [];
  for (const line of text.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    if (name === 'data') data.push(value);
    else if (name === 'event') event = value;
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n') };
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1 && parts[0] !== undefined) return parts[0];
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
