import { STALLED_CLIENT_SECONDS } from './limits.ts';

/** What is written and not taken yet, before the provider is made to wait. */
const BUFFERED_BYTES = 256 * 1024;

/** The body of an answer, written as it comes. A client that has gone takes everything, at once. */
export class ClientStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #onGone: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #gone = false;
  #closed = false;
  #taken: (() => void) | undefined;

  /** `onGone`: once, when the client leaves before the end. */
  constructor(onGone: () => void) {
    this.#onGone = onGone;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#taken?.(),
        cancel: () => this.leave(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: BUFFERED_BYTES }),
    );
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** The client is not there any more. */
  leave(): void {
    if (this.#gone || this.#closed) return;
    this.#gone = true;
    this.#taken?.();
    this.#onGone();
  }

  /** At once, but where the client is slower than the provider. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#gone || this.#closed || bytes.length === 0) return undefined;
    this.#controller?.enqueue(bytes);
    return (this.#controller?.desiredSize ?? 1) > 0 ? undefined : this.#untilTaken();
  }

  end(): void {
    if (this.#gone || this.#closed) return;
    this.#closed = true;
    this.#controller?.close();
  }

  /** The client sees that it has not got everything. */
  break(reason: string): void {
    if (this.#gone || this.#closed) return;
    this.#closed = true;
    this.#controller?.error(new Error(reason));
  }

  #untilTaken(): Promise<void> {
    return new Promise((resolve) => {
      const stalled = setTimeout(() => this.leave(), STALLED_CLIENT_SECONDS * 1000);
      this.#taken = () => {
        clearTimeout(stalled);
        this.#taken = undefined;
        resolve();
      };
    });
  }
}
