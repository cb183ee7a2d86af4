import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costOf, worstCaseOf } from '../../../../lib/budget/cost.ts';
import type { Json, JsonObject } from '../../../../lib/json.ts';
import { anthropicMessages } from '../../../../lib/model-calls/anthropic/messages.ts';
import {
  type Answer,
  cuts,
  fixture,
  lookup,
  meterOf,
  request,
  SONNET,
} from '../../../_fixtures/model-calls/claude-samples.ts';

const BASE: JsonObject = {
  model: 'claude-sonnet-4-5',
  max_tokens: 1000,
  messages: [{ role: 'user', content: 'Hello, Claude' }],
};
const callOf = (extra: JsonObject = {}) =>
  anthropicMessages.parse(request('/v1/messages', { ...BASE, ...extra }), lookup);
const bytes = (value: Json | string) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const sse = (...events: JsonObject[]) =>
  bytes(events.map((event) => `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`).join(''));
const metered = (extra: JsonObject, body: Uint8Array, answer: Answer = {}) => meterOf(callOf(extra), [body], answer);

const start = (usage: JsonObject, model = 'claude-sonnet-4-5') => ({
  type: 'message_start',
  message: { type: 'message', model, usage },
});
const delta = (usage: JsonObject, stop: string | null = 'end_turn') => ({
  type: 'message_delta',
  delta: { stop_reason: stop },
  usage,
});
const text = (value: string) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: value } });
const STOP = { type: 'message_stop' };
const USAGE = { input_tokens: 10, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 };
const NO_CACHE = { cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };

describe('a JSON answer', () => {
  const body = fixture('anthropic/message.json');

  it('is read with its cache by time to live and its thinking', () => {
    const result = metered({}, body);
    expect(result).toEqual({
      kind: 'reported',
      usage: {
        tokens: { input: 2095, cacheRead: 2051, cacheWrite5m: 456, cacheWrite1h: 100, output: 503 },
        reasoningTokens: 200,
      },
      raw: JSON.parse(body.toString()).usage,
    });
    // 2095 x 3 + 2051 x 0.3 + 456 x 3.75 + 100 x 6 + 503 x 15, in millionths of a dollar.
    expect(result.kind === 'reported' && costOf(result.usage, SONNET)).toBe(16_755_300);
  });

  it('is read the same wherever it is cut', () => {
    const call = callOf();
    for (const chunks of cuts(body)) expect(meterOf(call, chunks).kind).toBe('reported');
  });

  it('is unknown where it was cut off, or is no JSON', () => {
    expect(metered({}, body.subarray(0, 100), { whole: false })).toMatchObject({
      kind: 'unknown',
      reason: 'the answer was cut off',
    });
    expect(metered({}, body, { whole: false }).kind).toBe('unknown');
    for (const garbage of ['', 'null', '<html>', '[1]', '{"type":"message"']) {
      const result = metered({}, bytes(garbage));
      expect(result.kind).toBe('unknown');
      expect(result).not.toHaveProperty('atMost');
    }
    expect(callOf().meter().result()).toMatchObject({ kind: 'unknown', reason: 'there was no answer' });
  });

  const answered = (usage: Json, extra: JsonObject = {}) =>
    metered(extra, bytes({ type: 'message', model: 'claude-sonnet-4-5', usage }));

  it.each<[string, Json]>([
    ['no usage', null],
    ['no input', { output_tokens: 1 }],
    ['no output', { input_tokens: 1 }],
    ['a negative count', { ...USAGE, input_tokens: -1 }],
    ['a fraction', { ...USAGE, output_tokens: 1.5 }],
    ['a text', { ...USAGE, cache_read_input_tokens: '5' }],
    [
      'a split that is another number',
      {
        ...USAGE,
        cache_creation_input_tokens: 5,
        cache_creation: { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 0 },
      },
    ],
    ['the priority tier', { ...USAGE, service_tier: 'priority' }],
    ['the batch tier', { ...USAGE, service_tier: 'batch' }],
    ['fast mode', { ...USAGE, speed: 'fast' }],
    ['another geography', { ...USAGE, inference_geo: 'us' }],
    ['a web search that nobody asked for', { ...USAGE, server_tool_use: { web_search_requests: 1 } }],
    ['a tool without a price', { ...USAGE, server_tool_use: { something_requests: 1 } }],
    ['iterations of another kind', { ...USAGE, iterations: [{ ...USAGE, type: 'advisor_message' }] }],
    ['iterations that do not add up', { ...USAGE, iterations: [{ ...USAGE, type: 'message', output_tokens: 7 }] }],
  ])('is unknown, and never 0: %s', (_, usage) => {
    const result = answered(usage);
    expect(result.kind).toBe('unknown');
    expect(result).not.toHaveProperty('atMost');
  });

  it('counts unsplit cache writes as the longest that was asked for', () => {
    const usage = { ...USAGE, cache_creation_input_tokens: 7 };
    expect(answered(usage)).toMatchObject({ usage: { tokens: { cacheWrite5m: 7, cacheWrite1h: 0 } } });
    expect(answered(usage, { cache_control: { type: 'ephemeral', ttl: '1h' } })).toMatchObject({
      usage: { tokens: { cacheWrite5m: 0, cacheWrite1h: 7 } },
    });
  });

  it('adds compactions, which the usage around them leaves out', () => {
    const iterations = [
      { ...USAGE, type: 'compaction', input_tokens: 500, output_tokens: 50 },
      { ...USAGE, type: 'message' },
    ];
    expect(answered({ ...USAGE, iterations })).toMatchObject({ usage: { tokens: { input: 510, output: 51 } } });
  });

  it('is of the model that was asked for, or of one with the same price', () => {
    const served = (model: string) => metered({}, bytes({ type: 'message', model, usage: USAGE })).kind;
    expect(served('claude-sonnet-4-5-20250929')).toBe('reported');
    expect(served('claude-other-price')).toBe('unknown');
    expect(served('claude-opus-5')).toBe('unknown');
  });

  it('is unknown where it used what the model has no price for', () => {
    const result = metered({ model: 'claude-text-only' }, bytes({ usage: { ...USAGE, cache_read_input_tokens: 3 } }));
    expect(result).toMatchObject({ kind: 'unknown' });
  });
});

describe('an answer with an error status', () => {
  it.each([400, 401, 403, 404, 413, 429, 500, 503, 529])('is not charged: %s', (status) => {
    expect(metered({}, fixture('anthropic/overloaded.json'), { status })).toEqual({ kind: 'not_charged' });
    expect(metered({ stream: true }, bytes('<html>'), { status })).toEqual({ kind: 'not_charged' });
  });

  it.each([100, 204, 302, 408, 504])('is unknown where the model may have worked: %s', (status) => {
    expect(metered({}, fixture('anthropic/overloaded.json'), { status }).kind).toBe('unknown');
  });
});

describe('a streamed answer', () => {
  const body = fixture('anthropic/stream-tool-use.sse');
  const stream = { stream: true };

  it('is read the same wherever it is cut', () => {
    const call = callOf(stream);
    for (const chunks of cuts(body)) {
      expect(meterOf(call, chunks)).toMatchObject({
        kind: 'reported',
        usage: { tokens: { input: 472, cacheRead: 12, cacheWrite5m: 20, cacheWrite1h: 10, output: 89 } },
      });
    }
  });

  it('has cumulative counts, which are never added up, and pays for its searches', () => {
    const tools = [{ type: 'web_search_20250305', name: 'web_search', max_uses: 2 }];
    const result = metered({ ...stream, tools }, fixture('anthropic/stream-web-search.sse'));
    expect(result).toMatchObject({
      kind: 'reported',
      usage: {
        tokens: { input: 10_682, cacheRead: 7123, cacheWrite5m: 7345, cacheWrite1h: 0, output: 510 },
        fees: { webSearch: 1 },
      },
    });
  });

  it('keeps the last count that is there for each field', () => {
    const result = metered(
      stream,
      sse(start(USAGE), delta({ output_tokens: 7 }, null), delta({ input_tokens: null, output_tokens: 9 }), STOP),
    );
    expect(result).toMatchObject({ usage: { tokens: { input: 10, output: 9, ...NO_CACHE } } });
  });

  it('takes an input that is stated anew as a whole, or not at all', () => {
    const anew = { input_tokens: 4, cache_creation_input_tokens: 1, cache_read_input_tokens: 95, output_tokens: 9 };
    expect(metered(stream, sse(start({ ...USAGE, input_tokens: 100 }), delta(anew), STOP))).toMatchObject({
      usage: { tokens: { input: 4, cacheRead: 95, cacheWrite5m: 1, output: 9 } },
    });
    const cached = { ...USAGE, cache_read_input_tokens: 90 };
    expect(metered(stream, sse(start(cached), delta({ input_tokens: 100, output_tokens: 9 }), STOP)).kind).toBe(
      'unknown',
    );
  });

  it.each<[string, JsonObject[]]>([
    ['fewer tokens than before', [start({ ...USAGE, output_tokens: 50 }), delta({ output_tokens: 9 }), STOP]],
    ['no message_start', [delta({ output_tokens: 9 }), STOP]],
    ['two message_start', [start(USAGE), start(USAGE), delta({ output_tokens: 9 }), STOP]],
    ['a message_start without usage', [{ type: 'message_start', message: {} }, delta({ output_tokens: 9 }), STOP]],
    ['something after message_stop', [start(USAGE), delta({ output_tokens: 9 }), STOP, text('more')]],
    ['another model', [start(USAGE, 'claude-other-price'), delta({ output_tokens: 9 }), STOP]],
    ['another tier', [start({ ...USAGE, service_tier: 'priority' }), delta({ output_tokens: 9 }), STOP]],
    ['a tier that a delta brings', [start(USAGE), delta({ output_tokens: 9, speed: 'fast' }), STOP]],
  ])('is unknown with %s', (_, events) => {
    const result = metered(stream, sse(...events));
    expect(result.kind).toBe('unknown');
    expect(result).not.toHaveProperty('atMost');
  });

  it('is unknown with an event that is no JSON, and skips events that nobody knows', () => {
    const broken = Buffer.concat([
      sse(start(USAGE)),
      bytes('event: x\ndata: {nope\n\n'),
      sse(delta({ output_tokens: 9 }), STOP),
    ]);
    expect(metered(stream, broken).kind).toBe('unknown');
    const other = sse(
      start(USAGE),
      { type: 'something_new', usage: { output_tokens: 99 } },
      delta({ output_tokens: 9 }),
      STOP,
    );
    expect(metered(stream, other)).toMatchObject({ usage: { tokens: { output: 9 } } });
  });

  it('is never known, and never free, where it ends before message_stop', () => {
    const whole = body.toString();
    const ends = [...whole.matchAll(/\n\n/g)].map(({ index }) => index + 2);
    const stopReason = whole.indexOf('"stop_reason":"tool_use"');
    for (const end of ends.slice(0, -1)) {
      for (const isWhole of [true, false]) {
        const result = metered(stream, Buffer.from(whole.slice(0, end)), { whole: isWhole });
        expect(result.kind).toBe('unknown');
        // Only a reason to stop says that nothing was generated behind it.
        if (end < stopReason) expect(result).not.toHaveProperty('atMost');
        else expect(result).toMatchObject({ atMost: { tokens: { input: 557, output: 89 } } });
      }
    }
    expect(metered(stream, Buffer.alloc(0), { whole: false }).kind).toBe('unknown');
    expect(metered(stream, body, { whole: false }).kind).toBe('reported');
  });

  describe('that ends in an error', () => {
    const error = (type: string) => ({ type: 'error', error: { type, message: 'Overloaded' } });

    it('is not charged where nothing was begun', () => {
      expect(metered(stream, sse(error('overloaded_error')))).toEqual({ kind: 'not_charged' });
      expect(metered(stream, sse(error('api_error'))).kind).toBe('unknown');
    });

    it('costs at most its input and the bytes that came, where nothing was hidden', () => {
      const events = sse(start(USAGE), text('Hello'), error('overloaded_error'));
      expect(metered(stream, events)).not.toHaveProperty('atMost');
      const result = metered(
        { ...stream, thinking: { type: 'disabled' }, cache_control: { type: 'ephemeral' } },
        events,
      );
      expect(result).toMatchObject({ kind: 'unknown', atMost: { tokens: { cacheWrite5m: 557 } } });
      const output = result.kind === 'unknown' ? (result.atMost?.tokens.output ?? 0) : 0;
      expect(output).toBeGreaterThan(5);
      expect(output).toBeLessThan(200);
    });

    it('costs nobody knows what with thinking or server tools', () => {
      const block = { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } };
      const thought = sse(start(USAGE), block, error('overloaded_error'));
      expect(metered({ ...stream, thinking: { type: 'disabled' } }, thought)).not.toHaveProperty('atMost');
      const tools = [{ type: 'web_search_20250305', name: 'web_search', max_uses: 2 }];
      const searching = sse(start(USAGE), text('a'), error('overloaded_error'));
      expect(metered({ ...stream, tools, thinking: { type: 'disabled' } }, searching)).not.toHaveProperty('atMost');
    });
  });
});

describe('the bound', () => {
  it('is never below what any answer within the rules of the provider costs', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const ttl = fc.constantFrom(undefined, '5m', '1h');
    const asked = fc.record({
      text: fc.string({ unit: 'grapheme', maxLength: 20 }).map((some) => some.repeat(500)),
      images: fc.nat(3),
      ttl,
      maxTokens: fc.integer({ min: 0, max: 64_000 }),
      searches: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
      shares: fc.tuple(share, share, share, share, share),
    });
    fc.assert(
      fc.property(asked, ({ text: words, images, ttl: time, maxTokens, searches, shares }) => {
        const cache = time === undefined ? {} : { cache_control: { type: 'ephemeral', ttl: time } };
        const image = { type: 'image', source: { type: 'url', url: 'u' } };
        const call = callOf({
          ...cache,
          max_tokens: maxTokens,
          messages: [{ role: 'user', content: [{ type: 'text', text: words }, ...Array(images).fill(image)] }],
          ...(searches === undefined
            ? {}
            : { tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: searches }] }),
        });
        // Every token is a byte at least, an image its most, and each search reads the window once more.
        const rounds = 1 + (searches ?? 0);
        const most = searches === undefined ? Buffer.byteLength(words) + 1_600 * images : rounds * 200_000;
        const input = Math.floor(most * shares[0]);
        const read = time === undefined && searches === undefined ? 0 : Math.floor(input * shares[1]);
        const written = time === undefined && searches === undefined ? 0 : Math.floor((input - read) * shares[2]);
        const usage = {
          input_tokens: input - read - written,
          cache_read_input_tokens: read,
          cache_creation_input_tokens: written,
          output_tokens: Math.floor(rounds * maxTokens * shares[3]),
          server_tool_use: { web_search_requests: Math.floor((searches ?? 0) * shares[4]) },
        };
        const result = meterOf(call, [bytes({ type: 'message', usage })]);
        if (result.kind !== 'reported') throw new Error(JSON.stringify(result));
        expect(costOf(result.usage, call.price)).toBeLessThanOrEqual(worstCaseOf(call.bound, call.price));
      }),
    );
  });
});
