import type { BudgetRefusal } from '../budget/ledger.ts';
import type { ModelLookup, ModelPrice, Provider } from '../budget/price-book.ts';
import type { Usage, UsageBound } from '../budget/usage.ts';
import type { ErrorCode } from '../errors.ts';
import type { Json } from '../json.ts';

/**
 * A *wire format* is one API of one provider: how its request is bounded, how its answer says what was used, and how
 * its errors look. All of it is pure: bytes in, decisions out. The gateway does the calling.
 */
export const WIRE_FORMATS = [
  'openai-chat',
  'openai-responses',
  'openai-embeddings',
  'anthropic-messages',
  'gemini-generate',
  'bedrock-converse',
  'bedrock-invoke',
] as const;
export type WireFormatName = (typeof WIRE_FORMATS)[number];

export interface CallRequest {
  readonly method: string;
  /** As the provider's own API has it, below its base URL: `/v1/messages`, `/model/<id>/converse-stream`. Decoded once. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** A call that was understood and can be paid for. */
export interface ModelCall {
  readonly format: WireFormatName;
  readonly provider: Provider;
  readonly price: ModelPrice;
  /** The answer comes as a stream of events. */
  readonly stream: boolean;
  readonly bound: UsageBound;
  /**
   * The same call with another ceiling of output tokens for each choice: for the hint of a refusal. Undefined where the
   * request has no such ceiling.
   */
  readonly boundWithOutput?: (maxOutputTokens: number) => UsageBound;
  /** What goes to the provider, without credentials; the gateway adds host and keys. Headers are an allow-list. */
  readonly upstream: {
    readonly method: 'POST';
    /** Path and query below the provider's base URL. */
    readonly path: string;
    readonly headers: { readonly [name: string]: string };
    readonly body: Uint8Array;
  };
  /** The same with the id of the hold, by which the provider's own records name the call. Absent where it keeps none. */
  readonly marked?: (holdId: string) => ModelCall['upstream'];
  /** What was changed on the way, for headers of the answer: `x-wflo-max-output-tokens: 8192`. */
  readonly notes: { readonly [header: string]: string };
  /** A new meter for the answer to this call. */
  meter(): UsageMeter;
}

/** Reads an answer as it passes. Never throws for what the provider sent: what it cannot read is `unknown`. */
export interface UsageMeter {
  /** Once, before the first byte. Header names in lower case. */
  begin(status: number, headers: ReadonlyMap<string, string>): void;
  /** Returns what goes on to the client: the same bytes, or without what was only asked for by us. */
  push(chunk: Uint8Array): Uint8Array;
  /** `whole`: the body came to its proper end. Returns what is left to be sent. */
  end(whole: boolean): Uint8Array;
  result(): Metered;
}

export type Metered =
  /** The provider has said exactly what was used. */
  | { readonly kind: 'reported'; readonly usage: Usage; readonly raw: Json }
  /** The provider refused or failed before it produced anything, and does not charge for it. */
  | { readonly kind: 'not_charged' }
  /**
   * What was used is not known exactly. `atMost`: a bound from what was seen, where nothing that cannot be seen may have
   * been used (hidden reasoning, server tools); absent: the whole hold.
   */
  | { readonly kind: 'unknown'; readonly reason: string; readonly atMost?: Usage };

/** Why the gateway did not call; each wire format has its own words for it. */
export interface CallRefusal {
  readonly code: ErrorCode;
  /** HTTP status: 400, 401, 402, 403, 404, 409, 413, 429, 502, 503 or 504. */
  readonly status: number;
  readonly message: string;
  readonly fix?: string;
  readonly retryAfterSeconds?: number;
  /** With `budget_exhausted`, `budget_held` and `budget_pending`. */
  readonly budget?: BudgetRefusal & { readonly fittingOutputTokens?: number };
}

export interface NativeAnswer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  /** JSON. */
  readonly body: string;
}

/** Thrown by `parse`. */
export class CallRefused extends Error {
  readonly refusal: CallRefusal;
  constructor(refusal: CallRefusal) {
    super(refusal.message);
    this.name = 'CallRefused';
    this.refusal = refusal;
  }
}

export interface WireFormat {
  readonly name: WireFormatName;
  readonly provider: Provider;
  /** Whether this format serves a path below its provider's base URL. */
  serves(method: string, path: string): boolean;
  /** Throws `CallRefused`: malformed, an unknown model, or something without a price. */
  parse(request: CallRequest, models: ModelLookup): ModelCall;
  /** A refusal as this provider's SDKs expect it, with `x-should-retry` where they read it. */
  refuse(refusal: CallRefusal): NativeAnswer;
}
