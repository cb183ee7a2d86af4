import type { CallRefusal } from '../../lib/model-calls/wire-format.ts';
import type { Clock } from '../../lib/ports.ts';
import { passedHeaders } from './answer-headers.ts';
import type { ClientStream } from './client-stream.ts';
import type { TransportEnd } from './close-hold.ts';
import { IDLE_SECONDS } from './limits.ts';
import { refusal } from './refusals.ts';
import { Silence } from './silence.ts';
import type { UpstreamAnswer } from './upstream.ts';

/** The first word on a call: that of the provider, or why there is none. */
export type FirstWord =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: ReadableStream<Uint8Array>;
    }
  | { readonly kind: 'refused'; readonly refusal: CallRefusal };

/** An event stream takes comments, which every reader of events leaves out. */
const PING = new TextEncoder().encode(': ping\n');
const EVENT_STREAM = /^text\/event-stream\b/i;
const LINE_END = 0x0a;

/** What the client gets of one call, and what it gets where the provider is silent for long. */
export class Delivery {
  readonly #client: ClientStream;
  readonly #say: (word: FirstWord) => void;
  readonly #detach: () => void;
  readonly #idle: Silence;
  #said = false;
  #events = false;
  #atLineStart = true;

  /** `detach`: once the client has had its last word while the provider is still read. */
  constructor(clock: Clock, client: ClientStream, say: (word: FirstWord) => void, detach: () => void) {
    this.#client = client;
    this.#say = say;
    this.#detach = detach;
    this.#idle = new Silence(clock, IDLE_SECONDS, () => this.#onIdle());
  }

  begin({ status, headers }: UpstreamAnswer): void {
    if (this.#said) return;
    this.#said = true;
    this.#idle.heard();
    this.#events = EVENT_STREAM.test(headers.get('content-type') ?? '');
    this.#say({ kind: 'answer', status, headers: passedHeaders(headers), body: this.#client.readable });
  }

  refuse(refused: CallRefusal): void {
    if (this.#said) return;
    this.#said = true;
    this.#say({ kind: 'refused', refusal: refused });
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.length === 0) return undefined;
    this.#idle.heard();
    this.#atLineStart = bytes.at(-1) === LINE_END;
    return this.#client.write(bytes);
  }

  end(end: TransportEnd, last: readonly Uint8Array[]): void {
    this.#idle.stop();
    this.refuse(refusalOf(end));
    for (const bytes of last) void this.#client.write(bytes);
    if (end.kind === 'whole') this.#client.end();
    else this.#client.break('the call was cut off');
  }

  #onIdle(): void {
    if (this.#events && this.#atLineStart) {
      void this.#client.write(PING);
      return;
    }
    this.refuse(
      refusal('provider_failed', `the provider sent nothing for ${IDLE_SECONDS / 60} minutes`, {
        status: 504,
        fix: 'ask for a streamed answer, or for less output; this call is paid for all the same',
      }),
    );
    this.#client.break('the provider sent nothing for too long');
    this.#detach();
  }
}

/** Where nothing was said before the end. */
function refusalOf(end: TransportEnd): CallRefusal {
  if (end.kind === 'whole') return refusal('provider_failed', 'the provider gave no answer');
  if (end.kind !== 'aborted') return refusal('provider_failed', end.reason);
  if (end.reason.startsWith('the lease')) return refusal('stale_epoch', end.reason);
  return refusal('provider_failed', end.reason, { status: 504 });
}
