import { readFileSync } from 'node:fs';
import { NANO_USD, type NanoUsd, nanoUsd } from '../../../lib/budget/money.ts';
import type { ModelLookup, ModelPrice, TokenRates } from '../../../lib/budget/price-book.ts';
import type { JsonObject } from '../../../lib/json.ts';
import {
  type CallRefusal,
  CallRefused,
  type CallRequest,
  type Metered,
  type ModelCall,
  type UsageMeter,
} from '../../../lib/model-calls/wire-format.ts';

/** Dollars for a million tokens. */
export function rates(dollars: { readonly [K in keyof TokenRates]?: number }): TokenRates {
  return Object.fromEntries(
    Object.entries(dollars).map(([token, rate]) => [token, nanoUsd(Math.round(rate * NANO_USD))]),
  );
}

export function priceOf(model: Partial<ModelPrice> & Pick<ModelPrice, 'provider' | 'model'>): ModelPrice {
  return {
    contextWindow: 128_000,
    maxOutputTokens: 16_384,
    tiers: [{ aboveInputTokens: 0, rates: rates({ input: 2.5, cacheRead: 1.25, output: 10 }) }],
    fees: {},
    accepts: { images: false, documents: false, audio: false },
    source: 'test',
    ...model,
  };
}

export const fee = (dollars: number): NanoUsd => nanoUsd(Math.round(dollars * NANO_USD));

export function lookup(...prices: readonly ModelPrice[]): ModelLookup {
  return (provider, model) => prices.find((price) => price.provider === provider && price.model === model);
}

export function request(path: string, body: JsonObject | Uint8Array, more: Partial<CallRequest> = {}): CallRequest {
  return {
    method: 'POST',
    path,
    query: new URLSearchParams(),
    headers: new Map([
      ['content-type', 'application/json'],
      ['user-agent', 'sdk/1'],
      ['authorization', 'Bearer secret'],
      ['x-api-key', 'secret'],
    ]),
    body: body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body)),
    ...more,
  };
}

export function refusalOf(parse: () => unknown): CallRefusal {
  try {
    parse();
  } catch (error) {
    if (error instanceof CallRefused) return error.refusal;
    throw error;
  }
  throw new Error('it was not refused');
}

export function fixture(name: string): Uint8Array {
  return readFileSync(new URL(`../../_fixtures/model-calls/${name}`, import.meta.url));
}

export function upstreamBody(call: ModelCall): JsonObject {
  return JSON.parse(new TextDecoder().decode(call.upstream.body));
}

export const SSE = new Map([['content-type', 'text/event-stream; charset=utf-8']]);
export const JSON_TYPE = new Map([['content-type', 'application/json']]);

export interface Answer {
  readonly status?: number;
  readonly headers?: ReadonlyMap<string, string>;
  readonly chunks: readonly Uint8Array[];
  readonly whole?: boolean;
}

/** What goes on to the client, and what the meter says in the end. */
export function passed(meter: UsageMeter, answer: Answer): { readonly text: string; readonly metered: Metered } {
  meter.begin(answer.status ?? 200, answer.headers ?? JSON_TYPE);
  const out = answer.chunks.map((chunk) => meter.push(chunk).slice());
  out.push(meter.end(answer.whole ?? true).slice());
  return { text: Buffer.concat(out).toString('utf8'), metered: meter.result() };
}

export const bytewise = (bytes: Uint8Array): Uint8Array[] => Array.from(bytes, (byte) => Uint8Array.of(byte));

/** The events of a stream, each with its empty line. */
export function eventsOf(stream: Uint8Array): string[] {
  return Buffer.from(stream)
    .toString('utf8')
    .split(/(?<=\r?\n\r?\n)/)
    .filter((event) => event !== '');
}

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Of the processor, so that what else runs on this machine does not count. */
export function cpuMilliseconds(action: () => unknown): number {
  const before = process.cpuUsage();
  action();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
