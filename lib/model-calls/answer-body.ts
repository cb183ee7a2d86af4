import type { Json } from '../json.ts';

/** Above any JSON answer of a provider, images in base64 included. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Keeps a copy of a JSON answer while it passes, within a bound. */
export class AnswerBody {
  readonly #max: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#max = maxBytes;
  }

  push(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#max) this.#chunks = [];
    else this.#chunks.push(new Uint8Array(chunk));
  }

  /** Undefined where it is too large, or no JSON in UTF-8. */
  parse(): Json | undefined {
    if (this.#bytes > this.#max) return undefined;
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(this.#chunks)));
    } catch {
      return undefined;
    }
  }
}
