import type { Answer } from './answer.ts';
import type { Body, Call } from './call.ts';

/** An answer on the wire. */
export interface WireAnswer {
  readonly contentType: string;
  readonly headers?: { readonly [name: string]: string };
  /** Events of a stream, or the one body. */
  readonly parts: readonly (string | Uint8Array)[];
}

export interface WireError {
  readonly status: number;
  readonly message: string;
}

/** How one API of a provider looks. */
export interface Wire {
  plain(call: Call, answer: Answer): { readonly body: Body; readonly headers?: { readonly [name: string]: string } };
  /** Absent where the API does not stream. */
  stream?(call: Call, answer: Answer): WireAnswer;
  /** An error in the middle of a stream. */
  streamedError?(error: WireError): string | Uint8Array;
}

export function sse(data: unknown, event?: string): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

/** Numbers that no usage can have. */
export const WRONG = { input: -1, output: 'many', total: 3.5 } as const;
