import type {
  ClaimAnswer,
  ClaimRequest,
  CompleteAnswer,
  CompleteRequest,
  EventsRequest,
  HeartbeatAnswer,
  HeartbeatRequest,
  UrlsAnswer,
  UrlsRequest,
} from '../../../lib/sandbox/protocol.ts';
import { request } from './http-request.ts';
import { isRetryableStatus, Retryable, retry } from './retry.ts';
import type { Timings } from './timings.ts';

/** The sandbox API refused for good: 409 (this runner no longer acts), 401, 400. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(verb: string, status: number, code: string, message: string) {
    super(`${verb} was refused: ${code} (${status}): ${message}`);
    this.status = status;
    this.code = code;
  }
}

interface CallOptions {
  readonly withinMs: number;
  readonly giveUp?: AbortSignal;
}

/**
 * The client side of the runner protocol. Calls are sent one after the other, so that a renewed token is used by the
 * next call and log lines arrive in order.
 */
export class ApiClient {
  readonly #api: string;
  readonly #timings: Timings;
  #token = '';
  #epoch = 0;
  #outcomeUrl = '';
  #last: Promise<unknown> = Promise.resolve();

  constructor(api: string, timings: Timings) {
    this.#api = api;
    this.#timings = timings;
  }

  async claim(body: ClaimRequest, giveUp?: AbortSignal): Promise<ClaimAnswer> {
    const answer = await this.#call<ClaimAnswer>('claim', () => body, {
      withinMs: this.#timings.claimMs,
      ...(giveUp === undefined ? {} : { giveUp }),
    });
    this.#token = answer.sessionToken;
    this.#epoch = answer.epoch;
    this.#outcomeUrl = answer.outcomeUrl;
    return answer;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** The newest that a claim or a heartbeat told. */
  get token(): string {
    return this.#token;
  }

  /** Where `outcome.json` goes: the newest URL that a claim or a heartbeat told. */
  get outcomeUrl(): string {
    return this.#outcomeUrl;
  }

  async heartbeat(body: Omit<HeartbeatRequest, 'epoch'>, giveUp: AbortSignal): Promise<HeartbeatAnswer> {
    const answer = await this.#call<HeartbeatAnswer>('heartbeat', () => ({ ...body, epoch: this.#epoch }), {
      withinMs: this.#timings.heartbeatRetryMs,
      giveUp,
    });
    if (answer.sessionToken !== undefined) this.#token = answer.sessionToken;
    this.#outcomeUrl = answer.outcomeUrl;
    return answer;
  }

  async events(body: Omit<EventsRequest, 'epoch'>, options: CallOptions): Promise<void> {
    await this.#call('events', () => ({ ...body, epoch: this.#epoch }), options);
  }

  async urls(body: Omit<UrlsRequest, 'epoch'>, options: CallOptions): Promise<UrlsAnswer> {
    return this.#call<UrlsAnswer>('urls', () => ({ ...body, epoch: this.#epoch }), options);
  }

  async complete(body: Omit<CompleteRequest, 'epoch'>, options: CallOptions): Promise<CompleteAnswer> {
    return this.#call<CompleteAnswer>('complete', () => ({ ...body, epoch: this.#epoch }), options);
  }

  #call<T>(verb: string, body: () => object, options: CallOptions): Promise<T> {
    const call = this.#last.then(() =>
      retry(() => this.#send<T>(verb, body()), { ...options, backoffMs: this.#timings.backoffMs }),
    );
    this.#last = call.catch(() => undefined);
    return call;
  }

  async #send<T>(verb: string, body: object): Promise<T> {
    const response = await request(
      verb,
      `${this.#api}/v1/${verb}`,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` }),
        },
        body: JSON.stringify(body),
      },
      this.#timings.requestMs,
    );
    const text = await response.text().catch(() => {
      throw new Retryable(`${verb}: the answer broke off`);
    });
    if (isRetryableStatus(response.status)) throw new Retryable(`${verb}: status ${response.status}`);
    const answer = parse(text);
    if (!response.ok) {
      throw new Refused(verb, response.status, answer?.error?.code ?? 'unknown', answer?.error?.message ?? 'no reason');
    }
    if (answer === undefined) throw new Retryable(`${verb}: the answer is not JSON`);
    return answer as T;
  }
}

function parse(text: string): { error?: { code?: string; message?: string } } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
