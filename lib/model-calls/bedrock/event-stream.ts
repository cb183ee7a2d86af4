import { EventStreamCodec } from '@smithy/eventstream-codec';

/** One message of `application/vnd.amazon.eventstream`. */
export interface EventStreamMessage {
  /** `event`, `exception` or `error`. */
  readonly kind: string;
  /** `:event-type`, `:exception-type` or `:error-code`. */
  readonly type: string;
  readonly body: Uint8Array;
}

/** What AWS allows: 16 MiB of payload, 128 KiB of headers, 16 bytes around them. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024 + 128 * 1024 + 16;
const MIN_MESSAGE_BYTES = 16;

const TYPE_HEADERS: { readonly [kind: string]: string } = {
  event: ':event-type',
  exception: ':exception-type',
  error: ':error-code',
};

/**
 * Reads the messages of an event stream as they pass, however they are cut into chunks. The codec checks both checksums of
 * a message; after the first that is wrong nothing is read any more, since nobody knows where the next one begins.
 */
export class EventStreamReader {
  readonly #codec = new EventStreamCodec(
    (bytes) =>
      typeof bytes === 'string'
        ? bytes
        : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
    (text) => Buffer.from(text, 'utf8'),
  );
  readonly #onMessage: (message: EventStreamMessage) => void;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  /** Of the message that is coming; 0 until its first four bytes are there. */
  #length = 0;
  #broken = false;

  constructor(onMessage: (message: EventStreamMessage) => void) {
    this.#onMessage = onMessage;
  }

  /** A message whose length or checksum is wrong was met. */
  get broken(): boolean {
    return this.#broken;
  }

  /** The last message is not complete. */
  get cutOff(): boolean {
    return this.#pendingBytes > 0;
  }

  push(chunk: Uint8Array): void {
    let from = 0;
    while (from < chunk.length && !this.#broken) {
      const wanted = (this.#length === 0 ? 4 : this.#length) - this.#pendingBytes;
      const part = chunk.subarray(from, from + wanted);
      from += part.length;
      // A copy, since whoever gave the chunk may use its memory again; `slice` of a Buffer would be none.
      this.#pending.push(new Uint8Array(part));
      this.#pendingBytes += part.length;
      if (part.length === wanted) this.#complete();
    }
  }

  /** What was waited for is there: the length, or the rest of the message. */
  #complete(): void {
    const bytes = Buffer.concat(this.#pending);
    if (this.#length === 0) {
      this.#length = bytes.readUInt32BE(0);
      this.#broken = this.#length < MIN_MESSAGE_BYTES || this.#length > MAX_MESSAGE_BYTES;
      this.#pending = [bytes];
      return;
    }
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#length = 0;
    const message = this.#decode(bytes);
    if (message === undefined) this.#broken = true;
    else this.#onMessage(message);
  }

  #decode(bytes: Uint8Array): EventStreamMessage | undefined {
    try {
      const { headers, body } = this.#codec.decode(bytes);
      const kind = String(headers[':message-type']?.value ?? '');
      const type = String(headers[TYPE_HEADERS[kind] ?? '']?.value ?? '');
      return { kind, type, body };
    } catch {
      return undefined;
    }
  }
}
