import { LOG_CHUNK_BYTES, type LogLine } from '../../../lib/sandbox/protocol.ts';

/** A line whose JSON text passes this is split in two, so that every line fits into a chunk. */
const JSON_LINE_LIMIT_BYTES = LOG_CHUNK_BYTES / 2;

/** Log lines that are not sent yet, measured as the JSON that they become. */
export class LogQueue {
  #entries: { readonly line: LogLine; readonly bytes: number }[] = [];
  #bytes = 0;

  /** Bytes of JSON that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  get hasFullChunk(): boolean {
    return this.#bytes >= LOG_CHUNK_BYTES;
  }

  add(line: LogLine): void {
    const bytes = Buffer.byteLength(JSON.stringify(line)) + 1;
    if (bytes > JSON_LINE_LIMIT_BYTES) {
      const half = Math.ceil(line.text.length / 2);
      // A surrogate pair stays together.
      const cut = /[\uDC00-\uDFFF]/.test(line.text[half] ?? '') ? half + 1 : half;
      this.add({ ...line, text: line.text.slice(0, cut) });
      this.add({ ...line, text: line.text.slice(cut) });
      return;
    }
    this.#entries.push({ line, bytes });
    this.#bytes += bytes;
  }

  /** Removes and returns the oldest lines that fit into one chunk. */
  take(): LogLine[] {
    let bytes = 2;
    let count = 0;
    for (const entry of this.#entries) {
      if (bytes + entry.bytes > LOG_CHUNK_BYTES) break;
      bytes += entry.bytes;
      count += 1;
    }
    const taken = this.#entries.slice(0, count);
    this.#entries = this.#entries.slice(count);
    this.#bytes -= taken.reduce((sum, entry) => sum + entry.bytes, 0);
    return taken.map((entry) => entry.line);
  }

  /** Puts lines back that could not be sent. */
  putBack(lines: readonly LogLine[]): void {
    const later = this.#entries;
    this.#entries = [];
    this.#bytes = 0;
    for (const line of lines) this.add(line);
    for (const entry of later) {
      this.#entries.push(entry);
      this.#bytes += entry.bytes;
    }
  }
}
