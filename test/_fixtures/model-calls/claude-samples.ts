import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EventStreamCodec } from '@smithy/eventstream-codec';
import { nanoUsd } from '../../../lib/budget/money.ts';
import type { ModelLookup, ModelPrice } from '../../../lib/budget/price-book.ts';
import type { Json } from '../../../lib/json.ts';
import {
  type CallRefusal,
  CallRefused,
  type CallRequest,
  type Metered,
  type ModelCall,
  type WireFormat,
} from '../../../lib/model-calls/wire-format.ts';

const RATES = {
  input: nanoUsd(3_000_000_000),
  cacheRead: nanoUsd(300_000_000),
  cacheWrite5m: nanoUsd(3_750_000_000),
  cacheWrite1h: nanoUsd(6_000_000_000),
  output: nanoUsd(15_000_000_000),
};

export const SONNET: ModelPrice = {
  provider: 'anthropic',
  model: 'claude-sonnet-4-5',
  contextWindow: 200_000,
  maxOutputTokens: 64_000,
  tiers: [{ aboveInputTokens: 0, rates: RATES }],
  fees: { webSearch: nanoUsd(10_000_000) },
  accepts: { images: true, documents: true, audio: false, maxTokensPerImage: 1_600 },
  source: 'test',
};

export const PRICES: readonly ModelPrice[] = [
  SONNET,
  { ...SONNET, model: 'claude-no-image-limit', accepts: { images: true, documents: false, audio: false } },
  {
    ...SONNET,
    model: 'claude-text-only',
    accepts: { images: false, documents: false, audio: false },
    tiers: [{ aboveInputTokens: 0, rates: { input: RATES.input, output: RATES.output } }],
    fees: {},
  },
  { ...SONNET, model: 'claude-other-price', tiers: [{ aboveInputTokens: 0, rates: { ...RATES, input: nanoUsd(1) } }] },
  { ...SONNET, provider: 'bedrock', model: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', fees: {} },
  {
    ...SONNET,
    provider: 'bedrock',
    model: 'amazon.nova-lite-v1:0',
    contextWindow: 300_000,
    maxOutputTokens: 10_000,
    tiers: [{ aboveInputTokens: 0, rates: { input: RATES.input, cacheRead: RATES.cacheRead, output: RATES.output } }],
    fees: {},
    accepts: { images: true, documents: true, audio: false },
  },
];

export const lookup: ModelLookup = (provider, model) =>
  PRICES.find((price) => price.provider === provider && price.model === model);

export const CLAUDE_ON_BEDROCK = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
export const NOVA = 'amazon.nova-lite-v1:0';

export function fixture(name: string): Buffer {
  return readFileSync(join(import.meta.dirname, name));
}

export function request(path: string, body: Json | Uint8Array, headers: Record<string, string> = {}): CallRequest {
  const [pathname = '', query = ''] = path.split('?');
  return {
    method: 'POST',
    path: pathname,
    query: new URLSearchParams(query),
    headers: new Map(Object.entries(headers)),
    body: body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body)),
  };
}

export function refusalOf(format: WireFormat, asked: CallRequest): CallRefusal {
  try {
    format.parse(asked, lookup);
  } catch (error) {
    if (error instanceof CallRefused) return error.refusal;
    throw error;
  }
  throw new Error('the call was not refused');
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly whole?: boolean;
}

/** Meters an answer that comes in these chunks, and fails where a byte is changed on the way. */
export function meterOf(call: ModelCall, chunks: readonly Uint8Array[], answer: Answer = {}): Metered {
  const meter = call.meter();
  meter.begin(answer.status ?? 200, new Map(Object.entries(answer.headers ?? {})));
  const passed = chunks.map((chunk) => Buffer.from(meter.push(chunk)));
  passed.push(Buffer.from(meter.end(answer.whole ?? true)));
  if (!Buffer.concat(passed).equals(Buffer.concat(chunks))) throw new Error('the answer was changed');
  return meter.result();
}

/** The bytes in two chunks, for every place to cut them, and one by one. */
export function* cuts(bytes: Uint8Array): Generator<readonly Uint8Array[]> {
  for (let at = 0; at <= bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)];
  yield Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
}

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);

/** One message of an event stream, as Bedrock sends it. */
export function framed(type: string, body: Json, kind = 'event'): Uint8Array {
  return codec.encode({
    headers: {
      [kind === 'event' ? ':event-type' : kind === 'exception' ? ':exception-type' : ':error-code']: {
        type: 'string',
        value: type,
      },
      ':content-type': { type: 'string', value: 'application/json' },
      ':message-type': { type: 'string', value: kind },
    },
    body: new TextEncoder().encode(JSON.stringify(body)),
  });
}

/** An event of Claude inside a chunk of Bedrock. */
export function chunkOf(event: Json): Uint8Array {
  return framed('chunk', { bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: 'abcdefghij' });
}
