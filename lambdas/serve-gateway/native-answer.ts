import type { CallRefusal, WireFormat } from '../../lib/model-calls/wire-format.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | ReadableStream<Uint8Array>;
}

/** The provider's own words for its SDK, and ours beside them. */
export function nativeAnswer(
  format: WireFormat,
  refused: CallRefusal,
  more: Readonly<Record<string, string>> = {},
): Answer {
  const { status, headers, body } = format.refuse(refused);
  return { status, headers: { ...headers, 'x-wflo-error': refused.code, ...more }, body };
}

export function jsonAnswer(status: number, body: object): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
