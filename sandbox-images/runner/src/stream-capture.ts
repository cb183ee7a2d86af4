import { STREAM_LIMIT_BYTES } from '../../../lib/sandbox/protocol.ts';

/** Longer lines are split. */
export const LINE_LIMIT_BYTES = 64 * 1024;
/** Lines kept of one stream: bounds the cost of a flood of empty lines. */
export const LINES_LIMIT = 50_000;

const NEWLINE = 0x0a;

/**
 * Turns the bytes of one stream into lines. Everything is counted; what passes the limits is dropped. Never holds
 * more than one line, however the bytes come. Bytes that are not UTF-8 become U+FFFD.
 */
export class StreamCapture {
  readonly #emit: (text: string) => void;
  readonly #limitBytes: number;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #line = Buffer.allocUnsafe(LINE_LIMIT_BYTES);
  #length = 0;
  #lines = 0;
  #kept = 0;
  #bytes = 0;

  constructor(emit: (text: string) => void, limitBytes: number = STREAM_LIMIT_BYTES) {
    this.#emit = emit;
    this.#limitBytes = limitBytes;
  }

  /** All bytes that were written, kept or not. */
  get bytes(): number {
    return this.#bytes;
  }

  get truncated(): boolean {
    return this.#kept < this.#bytes;
  }

  get keptBytes(): number {
    return this.#kept;
  }

  write(chunk: Buffer): void {
    this.#bytes += chunk.length;
    const room = this.#lines >= LINES_LIMIT ? 0 : this.#limitBytes - this.#kept;
    const kept = chunk.subarray(0, Math.max(0, room));
    let at = 0;
    while (at < kept.length && this.#lines < LINES_LIMIT) {
      const newline = kept.indexOf(NEWLINE, at);
      const end = newline === -1 ? kept.length : newline;
      const part = kept.subarray(at, Math.min(end, at + LINE_LIMIT_BYTES - this.#length));
      part.copy(this.#line, this.#length);
      this.#length += part.length;
      at += part.length;
      if (at === newline) {
        this.#flush(this.#length);
        at += 1;
      } else if (this.#length === LINE_LIMIT_BYTES) {
        this.#flush(wholeCharacters(this.#line, this.#length));
      }
    }
    this.#kept += at;
  }

  /** The last line may have no newline. */
  end(): void {
    if (this.#length > 0) this.#flush(this.#length);
  }

  #flush(length: number): void {
    this.#lines += 1;
    this.#emit(this.#decoder.decode(this.#line.subarray(0, length)));
    this.#line.copyWithin(0, length, this.#length);
    this.#length -= length;
  }
}

/** The largest prefix that does not cut a UTF-8 sequence; all of it where the bytes are not UTF-8. */
function wholeCharacters(bytes: Buffer, length: number): number {
  for (let back = 1; back <= 3; back++) {
    const byte = bytes[length - back] ?? 0;
    if ((byte & 0b1100_0000) === 0b1000_0000) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back ? length - back : length;
  }
  return length;
}
