/** What goes to a provider, with credentials. */
export interface UpstreamRequest {
  readonly method: 'POST';
  readonly url: URL;
  readonly headers: { readonly [name: string]: string };
  readonly body: Uint8Array;
}

export interface UpstreamAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Ends where the body came to its proper end; throws where it broke. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Calls providers. Follows no redirect, repeats nothing. */
export interface Upstream {
  /** Throws `UpstreamFailed`. The signal ends the call, also while its body is read. */
  send(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamAnswer>;
}

/** There was no answer. `sent`: the request may have reached the provider, which may charge for it. */
export class UpstreamFailed extends Error {
  override readonly name = 'UpstreamFailed';
  readonly sent: boolean;

  constructor(sent: boolean, message: string, cause?: unknown) {
    super(message, { cause });
    this.sent = sent;
  }
}
