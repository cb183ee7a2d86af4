import {
  type Upstream,
  type UpstreamAnswer,
  UpstreamFailed,
  type UpstreamRequest,
} from '../../lambdas/serve-gateway/upstream.ts';

/** One thing that a scripted provider does, in its order. */
export type Act =
  /** Sends this text. */
  | string
  | Uint8Array
  /** Waits for it. */
  | { readonly until: Promise<unknown> }
  /** Waits this long. */
  | { readonly milliseconds: number }
  /** Runs it, before the next. */
  | { readonly run: () => unknown }
  | 'broken';

export interface Script {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly acts: readonly Act[];
  /** No answer at all: nothing was sent, or nothing came back. */
  readonly fails?: 'not_sent' | 'no_answer';
  /** Before the head of the answer. */
  readonly before?: Promise<unknown>;
}

/** A provider that answers each request with the next script; the last one again and again. */
export class ScriptedUpstream implements Upstream {
  readonly requests: UpstreamRequest[] = [];
  #scripts: readonly Script[] = [];
  #next = 0;
  /** Calls whose signal ended before they did. */
  aborted = 0;
  /** Runs when a request arrives. */
  onRequest: ((request: UpstreamRequest) => void) | undefined;

  script(...scripts: readonly Script[]): this {
    this.#scripts = scripts;
    this.#next = 0;
    return this;
  }

  async send(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamAnswer> {
    this.requests.push(request);
    this.onRequest?.(request);
    const script = this.#scripts[Math.min(this.#next, this.#scripts.length - 1)];
    this.#next += 1;
    if (script === undefined) throw new Error('the provider has no script');
    if (script.before !== undefined) await this.#unlessAborted(script.before, signal);
    if (script.fails !== undefined) throw new UpstreamFailed(script.fails === 'no_answer', 'the provider is not there');
    return {
      status: script.status ?? 200,
      headers: new Map(Object.entries({ 'content-type': 'application/json', ...script.headers })),
      body: this.#bodyOf(script, signal),
    };
  }

  async *#bodyOf({ acts }: Script, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for (const act of acts) {
      if (signal.aborted) await this.#unlessAborted(new Promise(() => {}), signal);
      if (act === 'broken') throw new Error('socket hang up');
      if (typeof act === 'string') yield new TextEncoder().encode(act);
      else if (act instanceof Uint8Array) yield act;
      else if ('until' in act) await this.#unlessAborted(act.until, signal);
      else if ('run' in act) act.run();
      else await this.#unlessAborted(new Promise((resolve) => setTimeout(resolve, act.milliseconds)), signal);
    }
  }

  async #unlessAborted(until: Promise<unknown>, signal: AbortSignal): Promise<void> {
    let abort: () => void = () => {};
    const aborted = new Promise<never>((_resolve, reject) => {
      abort = () => {
        this.aborted += 1;
        reject(new Error('aborted'));
      };
    });
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
    try {
      await Promise.race([until, aborted]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }
}
