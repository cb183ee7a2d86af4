import type { LogLine } from '../../../lib/sandbox/protocol.ts';
import { type ApiClient, Refused } from './api-client.ts';
import { LogQueue } from './log-queue.ts';
import { StreamCapture } from './stream-capture.ts';
import type { Timings } from './timings.ts';

/**
 * Collects the agent's two streams and the runner's own lines and sends them live: when a chunk is full or its first
 * line has waited, with every heartbeat, and the rest with `complete`. A chunk that could not be sent is kept; one whose
 * answer was lost may be written twice.
 */
export class LogShipper {
  readonly #api: ApiClient;
  readonly #timings: Timings;
  readonly #queue = new LogQueue();
  readonly #captures = { stdout: this.#capture('stdout'), stderr: this.#capture('stderr') };
  readonly #ended = new AbortController();
  #shipping: Promise<void> | undefined;
  #waiting: NodeJS.Timeout | undefined;
  /** Set when the API is not to be asked again before the next heartbeat. */
  #resting = false;

  constructor(api: ApiClient, timings: Timings) {
    this.#api = api;
    this.#timings = timings;
  }

  output(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    this.#captures[stream].write(chunk);
    this.#shipLive();
  }

  /** A line of the runner itself, for the reader of the step's log. */
  note(text: string): void {
    this.#queue.add({ at: new Date().toISOString(), stream: 'runner', text });
  }

  takeForHeartbeat(): LogLine[] {
    this.#resting = false;
    return this.#queue.take();
  }

  putBack(lines: readonly LogLine[]): void {
    this.#queue.putBack(lines);
  }

  /** The streams have ended. Sends all but the last chunk, which it returns for `complete`, with the totals. */
  async finish(): Promise<{ logs: LogLine[]; totals: StreamTotals }> {
    this.#ended.abort();
    clearTimeout(this.#waiting);
    for (const [stream, capture] of Object.entries(this.#captures)) {
      capture.end();
      if (capture.truncated) {
        this.note(`${stream} was cut: ${capture.bytes} bytes written, the first ${capture.keptBytes} kept`);
      }
    }
    await this.#shipping;
    let lost = 0;
    while (this.#queue.hasFullChunk) {
      const lines = this.#queue.take();
      // The outcome matters more than these lines: once the API does not answer, none delays it any more.
      if (lost === 0 && (await this.#delivered(lines))) continue;
      lost += lines.length;
    }
    if (lost > 0) this.note(`${lost} log lines could not be delivered`);
    const { stdout, stderr } = this.#captures;
    return {
      logs: this.#queue.take(),
      totals: {
        stdoutBytes: stdout.bytes,
        stderrBytes: stderr.bytes,
        stdoutTruncated: stdout.truncated,
        stderrTruncated: stderr.truncated,
      },
    };
  }

  async #delivered(lines: LogLine[]): Promise<boolean> {
    try {
      await this.#api.events({ logs: lines }, { withinMs: this.#timings.heartbeatRetryMs });
      return true;
    } catch (error) {
      if (error instanceof Refused) throw error;
      return false;
    }
  }

  #capture(stream: 'stdout' | 'stderr'): StreamCapture {
    return new StreamCapture((text) => this.#queue.add({ at: new Date().toISOString(), stream, text }));
  }

  #shipLive(): void {
    if (this.#shipping !== undefined || this.#resting || this.#ended.signal.aborted || this.#queue.bytes === 0) return;
    if (!this.#queue.hasFullChunk) {
      this.#waiting ??= setTimeout(() => {
        this.#waiting = undefined;
        if (this.#shipping === undefined && this.#queue.bytes > 0) this.#startShipping();
      }, this.#timings.liveLogsMs);
      return;
    }
    this.#startShipping();
  }

  #startShipping(): void {
    this.#shipping = this.#shipOne().finally(() => {
      this.#shipping = undefined;
      this.#shipLive();
    });
  }

  async #shipOne(): Promise<void> {
    const lines = this.#queue.take();
    try {
      const options = { withinMs: this.#timings.heartbeatRetryMs, giveUp: this.#ended.signal };
      await this.#api.events({ logs: lines }, options);
    } catch {
      // A refusal shows itself again at the next heartbeat, which acts on it.
      this.#queue.putBack(lines);
      this.#resting = true;
    }
  }
}

export interface StreamTotals {
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly stdoutTruncated: boolean;
  readonly stderrTruncated: boolean;
}
