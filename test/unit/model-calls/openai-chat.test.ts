import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../lib/json.ts';
import { openaiChat } from '../../../lib/model-calls/openai/chat.ts';
import {
  bytewise,
  cpuMilliseconds,
  encode,
  eventsOf,
  fixture,
  lookup,
  passed,
  priceOf,
  rates,
  refusalOf,
  request,
  SSE,
  upstreamBody,
} from './call.ts';

const PATH = '/v1/chat/completions';
const gpt4o = priceOf({
  provider: 'openai',
  model: 'gpt-4o',
  accepts: { images: true, documents: true, audio: false, maxTokensPerImage: 1500 },
});
const gpt56 = priceOf({
  provider: 'openai',
  model: 'gpt-5.6',
  contextWindow: 400_000,
  maxOutputTokens: 128_000,
  tiers: [{ aboveInputTokens: 0, rates: rates({ input: 1.25, cacheRead: 0.125, cacheWrite30m: 1.5625, output: 10 }) }],
  accepts: { images: true, documents: false, audio: false },
});
const old = priceOf({ provider: 'openai', model: 'gpt-4', contextWindow: 8192, maxOutputTokens: 8192 });
const speaking = priceOf({
  provider: 'openai',
  model: 'gpt-audio',
  tiers: [{ aboveInputTokens: 0, rates: rates({ input: 2.5, output: 10, inputAudio: 32, outputAudio: 64 }) }],
  accepts: { images: false, documents: false, audio: true },
});
const dearer = priceOf({
  provider: 'openai',
  model: 'gpt-4o-2024-05-13',
  tiers: [{ aboveInputTokens: 0, rates: rates({ input: 5, output: 15 }) }],
});
const embedding = priceOf({ provider: 'openai', model: 'text-embedding-3-small', maxOutputTokens: 0 });
const models = lookup(gpt4o, gpt56, old, speaking, dearer, embedding);

const hello = { model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] };
const parse = (body: JsonObject) => openaiChat.parse(request(PATH, { ...hello, ...body }), models);
const said = (content: Json) => ({ messages: [{ role: 'user', content }] });

test('it serves one path', () => {
  expect(openaiChat.serves('POST', PATH)).toBe(true);
  for (const [method, path] of [
    ['GET', PATH],
    ['POST', '/v1/completions'],
    ['POST', `${PATH}/x`],
    ['POST', '/chat/completions'],
  ] as const) {
    expect(openaiChat.serves(method, path)).toBe(false);
  }
});

describe('the bound', () => {
  test('has the bytes of all text, and what the template puts around it', () => {
    const bytes = 10_000;
    const { bound } = parse({ max_completion_tokens: 10, ...said('ä'.repeat(bytes / 2)) });
    expect(bound.inputTokens).toBeGreaterThan(bytes);
    expect(bound.inputTokens).toBeLessThan(bytes + 200);
    expect(bound).toMatchObject({ inputClasses: ['input', 'cacheRead'], outputTokens: 10, outputClasses: ['output'] });
  });

  test('has everything that a model may read', () => {
    const long = 'x'.repeat(1000);
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: long } };
    const tool = { type: 'function', function: { name: 'f', description: 'd', parameters: { description: long } } };
    const schema = { type: 'json_schema', json_schema: { name: 's', schema: { description: long } } };
    const some: JsonObject[] = [
      { messages: [{ role: 'system', content: long }] },
      { messages: [{ role: 'user', content: [{ type: 'text', text: long }] }] },
      { messages: [{ role: 'user', name: long, content: '' }] },
      { messages: [{ role: 'assistant', content: null, refusal: long }] },
      { messages: [{ role: 'assistant', content: null, tool_calls: [call] }] },
      { messages: [{ role: 'assistant', content: null, function_call: { name: 'f', arguments: long } }] },
      { messages: [{ role: 'tool', tool_call_id: 'c', content: long }] },
      { tools: [tool] },
      { tools: [{ type: 'custom', custom: { name: 'f', description: long } }] },
      { functions: [{ name: 'f', description: long }] },
      { response_format: schema },
      { tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [{ name: long }] } } },
    ];
    for (const body of some) expect(parse(body).bound.inputTokens).toBeGreaterThan(1000);
  });

  test('is never above the context window', () => {
    expect(parse(said('x'.repeat(1_000_000))).bound.inputTokens).toBe(128_000);
  });

  test('has all choices, also in the hint for a refusal', () => {
    const call = parse({ n: 3, max_tokens: 100 });
    expect(call.bound.outputTokens).toBe(300);
    expect(call.boundWithOutput?.(7)).toEqual({ ...call.bound, outputTokens: 21 });
  });

  test('has cache writes where they have a price', () => {
    expect(parse({ model: 'gpt-5.6' }).bound.inputClasses).toEqual(['input', 'cacheRead', 'cacheWrite30m']);
  });

  test.each([
    ['a URL', 'https://example.com/a.png'],
    ['inline', `data:image/png;base64,${'A'.repeat(50_000)}`],
  ])('of an image (%s) is what one image counts at most, else the whole window', (_, url) => {
    const image = said([{ type: 'image_url', image_url: { url, detail: 'low' } }]);
    const without = parse(said([])).bound.inputTokens;
    expect(parse(image).bound.inputTokens - without).toBeGreaterThanOrEqual(1500);
    expect(parse(image).bound.inputTokens - without).toBeLessThan(1600);
    expect(parse({ model: 'gpt-5.6', ...image }).bound.inputTokens).toBe(400_000);
  });

  test('of a document is the whole window', () => {
    const file = said([{ type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' } }]);
    expect(parse(file).bound.inputTokens).toBe(128_000);
  });

  test('of audio is the whole window in the dearest class', () => {
    const audio = said([{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }]);
    const call = parse({ model: 'gpt-audio', modalities: ['text', 'audio'], audio: { voice: 'ash' }, ...audio });
    expect(call.bound).toMatchObject({
      inputTokens: 128_000,
      inputClasses: ['input', 'inputAudio'],
      outputClasses: ['output', 'outputAudio'],
    });
  });

  test.each([
    ['18 KB of joined emoji', '👩‍👩‍👧‍👦'.repeat(720), 100],
    ['5.5 MB of text', 'x'.repeat(5_400_000), 1000],
    ['5.5 MB of quotes', '"'.repeat(2_700_000), 1000],
  ])('of %s takes no time', (_, text, milliseconds) => {
    const call = request(PATH, { ...hello, ...said(text) });
    expect(cpuMilliseconds(() => openaiChat.parse(call, models))).toBeLessThan(milliseconds);
  });
});

describe('the ceiling of output', () => {
  test('is injected where it is missing, and told', () => {
    const call = parse({});
    expect(upstreamBody(call)).toMatchObject({ max_completion_tokens: 16_384 });
    expect(call.notes).toEqual({ 'x-wflo-max-output-tokens': '16384' });
    expect(call.bound.outputTokens).toBe(16_384);
  });

  test('is what was asked for, in the field that it was asked in', () => {
    const call = parse({ max_tokens: 5 });
    expect(upstreamBody(call)).toMatchObject({ max_tokens: 5 });
    expect(upstreamBody(call)).not.toHaveProperty('max_completion_tokens');
    expect(call.notes).toEqual({});
    expect(upstreamBody(parse({ max_completion_tokens: 6 }))).toMatchObject({ max_completion_tokens: 6 });
  });

  test('leaves room for the input where a small window is shared', () => {
    expect(upstreamBody(parse({ model: 'gpt-4', ...said('x'.repeat(1000)) })).max_completion_tokens).toBeLessThan(7200);
    expect(upstreamBody(parse({ model: 'gpt-4', ...said('x'.repeat(9000)) })).max_completion_tokens).toBe(4096);
  });
});

describe('what goes to the provider', () => {
  test('has the standard tier, no credential and no compression', () => {
    const call = parse({ service_tier: 'auto', temperature: 0.5 });
    expect(upstreamBody(call)).toEqual({
      ...hello,
      temperature: 0.5,
      service_tier: 'default',
      max_completion_tokens: 16_384,
    });
    expect(call.upstream).toMatchObject({
      method: 'POST',
      path: PATH,
      headers: { 'content-type': 'application/json', 'accept-encoding': 'identity', 'user-agent': 'sdk/1' },
    });
    expect(Object.keys(call.upstream.headers)).toHaveLength(3);
  });

  test('asks for usage in a stream', () => {
    const call = parse({ stream: true, stream_options: { include_obfuscation: false } });
    expect(call.stream).toBe(true);
    expect(upstreamBody(call).stream_options).toEqual({ include_obfuscation: false, include_usage: true });
    expect(upstreamBody(parse({ stream: true, stream_options: null })).stream_options).toEqual({ include_usage: true });
    expect(upstreamBody(parse({})).stream_options).toBeUndefined();
  });
});

describe('refused before anything is called', () => {
  const cases: [string, JsonObject, string, string][] = [
    ['no model', { model: null }, 'invalid_request', 'model must be a text'],
    ['an unknown model', { model: 'gpt-4o-mega' }, 'unknown_model', 'gpt-4o-mega'],
    ['a model without text', { model: 'text-embedding-3-small' }, 'unpriced_feature', 'text-embedding-3-small'],
    ['no messages', { messages: [] }, 'invalid_request', 'messages'],
    ['messages of another kind', { messages: 'hi' }, 'invalid_request', 'messages must be a list'],
    ['a role that is none', { messages: [{ role: 'root', content: '' }] }, 'invalid_request', 'messages[0].role'],
    ['n: 100000', { n: 100_000 }, 'invalid_request', 'n must be a whole number from 1 to 128'],
    ['n: 0', { n: 0 }, 'invalid_request', 'n must'],
    ['half a choice', { n: 1.5 }, 'invalid_request', 'n must'],
    ['no tokens', { max_tokens: 0 }, 'invalid_request', 'max_tokens'],
    ['more than the model gives', { max_tokens: 16_385 }, 'invalid_request', 'max_tokens is 16385'],
    ['two ceilings', { max_tokens: 1, max_completion_tokens: 1 }, 'invalid_request', 'cannot both'],
    ['a tier', { service_tier: 'flex' }, 'unpriced_feature', 'service_tier "flex"'],
    ['priority', { service_tier: 'priority' }, 'unpriced_feature', 'service_tier "priority"'],
    ['a prediction', { prediction: { type: 'content', content: 'x' } }, 'unpriced_feature', 'prediction'],
    ['web search', { web_search_options: {} }, 'unpriced_feature', 'web_search_options'],
    ['moderation', { moderation: { model: 'omni' } }, 'unpriced_feature', 'moderation'],
    ['an unknown field', { new_thing: 1 }, 'unpriced_feature', 'new_thing'],
    ['an unknown stream option', { stream_options: { x: 1 } }, 'unpriced_feature', 'stream_options.x'],
    ['a stream that is none', { stream: 'yes' }, 'invalid_request', 'stream must be true or false'],
    [
      'an unknown field of a message',
      { messages: [{ role: 'user', content: '', x: 1 }] },
      'unpriced_feature',
      'messages[0].x',
    ],
    [
      'audio of before',
      { messages: [{ role: 'assistant', audio: { id: 'a' } }] },
      'unpriced_feature',
      'messages[0].audio',
    ],
    [
      'an unknown part',
      said([{ type: 'video', video: {} }]),
      'unpriced_feature',
      'messages[0].content[0] of the type "video"',
    ],
    ['a part named like a method', said([{ type: 'constructor' }]), 'unpriced_feature', 'constructor'],
    ['a field of a part', said([{ type: 'text', text: '', x: 1 }]), 'unpriced_feature', 'messages[0].content[0].x'],
    ['a part without its text', said([{ type: 'text' }]), 'invalid_request', 'messages[0].content[0].text'],
    ['a file by id', said([{ type: 'file', file: { file_id: 'f' } }]), 'unpriced_feature', 'file.file_id'],
    [
      'audio for a model that reads none',
      said([{ type: 'input_audio', input_audio: {} }]),
      'unpriced_feature',
      'audio',
    ],
    [
      'an image for one that sees none',
      { model: 'gpt-audio', ...said([{ type: 'image_url', image_url: { url: 'https://x' } }]) },
      'unpriced_feature',
      'an image for gpt-audio',
    ],
    [
      'a document for one that reads none',
      { model: 'gpt-5.6', ...said([{ type: 'file', file: { file_data: 'x' } }]) },
      'unpriced_feature',
      'a document',
    ],
    ['an answer in audio', { modalities: ['text', 'audio'] }, 'unpriced_feature', 'the modality "audio"'],
    ['a voice', { audio: { voice: 'ash' } }, 'unpriced_feature', 'audio from gpt-4o'],
    ['an image as answer', { modalities: ['image'] }, 'unpriced_feature', 'the modality "image"'],
    [
      'a tool of the provider',
      { tools: [{ type: 'web_search' }] },
      'unpriced_feature',
      'tools[0] of the type "web_search"',
    ],
    [
      'a field of a tool',
      { tools: [{ type: 'function', function: { name: 'f', x: 1 } }] },
      'unpriced_feature',
      'tools[0].function.x',
    ],
    ['a longer cache', { prompt_cache_options: { ttl: '12h' } }, 'unpriced_feature', 'prompt_cache_options.ttl "12h"'],
    [
      'a longer cache of a part',
      said([{ type: 'text', text: '', prompt_cache_breakpoint: { mode: 'explicit', ttl: '12h' } }]),
      'unpriced_feature',
      'ttl "12h"',
    ],
    ['a cache retention that is none', { prompt_cache_retention: '1y' }, 'invalid_request', 'prompt_cache_retention'],
  ];
  test.each(cases)('%s', (_, body, code, named) => {
    const refusal = refusalOf(() => parse(body));
    expect(refusal.code).toBe(code);
    expect(refusal.message).toContain(named);
    expect(refusal.status).toBe(code === 'unknown_model' ? 404 : 400);
  });

  test('a beta header and a query', () => {
    const beta = request(PATH, hello, { headers: new Map([['openai-beta', 'x=1']]) });
    expect(refusalOf(() => openaiChat.parse(beta, models)).message).toContain('openai-beta');
    const query = request(PATH, hello, { query: new URLSearchParams('api-version=1') });
    expect(refusalOf(() => openaiChat.parse(query, models)).message).toContain('api-version');
  });

  test('a body that is none', () => {
    const invalid = request(PATH, Uint8Array.of(0x7b, 0xff, 0x7d));
    expect(refusalOf(() => openaiChat.parse(invalid, models)).code).toBe('malformed_json');
  });

  test('fields that SDKs send as null are absent', () => {
    const nothing = { prediction: null, web_search_options: null, audio: null, service_tier: null, n: null };
    expect(parse(nothing).bound).toEqual(parse({}).bound);
  });
});

describe('the meter', () => {
  const usage = { kind: 'reported', usage: { tokens: { input: 19, output: 10 } } };

  test('a whole answer', () => {
    const body = fixture('openai/chat.json');
    const { text, metered } = passed(parse({}).meter(), { chunks: [body] });
    expect(text).toBe(Buffer.from(body).toString());
    expect(metered).toMatchObject(usage);
    expect(metered).toMatchObject({ raw: { model: 'gpt-4o-2024-08-06', service_tier: 'default' } });
    expect(passed(parse({}).meter(), { chunks: bytewise(body) }).metered).toEqual(metered);
  });

  test('cached, written to the cache, and reasoned', () => {
    const { metered } = passed(parse({ model: 'gpt-5.6' }).meter(), { chunks: [fixture('openai/chat-cached.json')] });
    expect(metered).toMatchObject({
      kind: 'reported',
      usage: { tokens: { input: 22, cacheRead: 1920, cacheWrite30m: 64, output: 1300 }, reasoningTokens: 1024 },
    });
  });

  test.each(['chat-stream.sse', 'chat-tools-stream.sse'])(
    'a stream without the usage that we asked for: %s',
    (name) => {
      const stream = fixture(`openai/${name}`);
      const events = eventsOf(stream);
      const expected = events.filter((event) => !event.includes('"choices": [],')).join('');
      expect(expected).not.toBe(events.join(''));
      for (const chunks of [[stream], bytewise(stream), events.map(encode)]) {
        const { text, metered } = passed(parse({ stream: true }).meter(), { headers: SSE, chunks });
        expect(text).toBe(expected);
        expect(metered.kind).toBe('reported');
      }
    },
  );

  test('a stream with the usage that the client asked for', () => {
    const stream = fixture('openai/chat-stream.sse');
    const call = parse({ stream: true, stream_options: { include_usage: true } });
    for (const chunks of [[stream], bytewise(stream)]) {
      const { text, metered } = passed(call.meter(), { headers: SSE, chunks });
      expect(text).toBe(Buffer.from(stream).toString());
      expect(metered).toMatchObject(usage);
    }
  });

  test('a stream that breaks after any event costs what was said, or is unknown', () => {
    const events = eventsOf(fixture('openai/chat-stream.sse'));
    const call = parse({ stream: true });
    const results = events.map((_, at) => {
      const chunks = events.slice(0, at + 1).map(encode);
      return passed(call.meter(), { headers: SSE, chunks, whole: false }).metered;
    });
    expect(results.map(({ kind }) => kind)).toEqual([
      'unknown',
      'unknown',
      'unknown',
      'unknown',
      'reported',
      'reported',
    ]);
    // Until it is finished, the provider may go on where nobody sees it; then every token was seen.
    expect(results.map((result) => 'atMost' in result)).toEqual([false, false, false, true, false, false]);
    const [, , , finished] = results;
    if (finished?.kind !== 'unknown') throw new Error('it is known');
    expect(finished.atMost?.tokens.input).toBe(call.bound.inputTokens);
    expect(finished.atMost?.tokens.output).toBeGreaterThanOrEqual(Buffer.byteLength('Grüße! How can I help? 👋'));
    expect(finished.atMost?.tokens.output).toBeLessThan(100);
  });

  test('a stream that the provider ends with an error was seen whole, unless there was something to hide', () => {
    const chunks = [
      fixture('openai/chat-stream.sse').subarray(0, 700),
      encode('\n\ndata: {"error":{"message":"x"}}\n\n'),
    ];
    const begun = eventsOf(fixture('openai/chat-stream.sse')).slice(0, 2).map(encode);
    const failed = [...begun, encode('data: {"error":{"message":"overloaded"}}\n\n')];
    const of = (body: JsonObject) => passed(parse({ stream: true, ...body }).meter(), { headers: SSE, chunks: failed });
    expect(of({}).metered).toMatchObject({
      kind: 'unknown',
      atMost: { tokens: { output: Buffer.byteLength('Grüße') + 16 } },
    });
    expect(of({ tools: [{ type: 'function', function: { name: 'f' } }] }).metered).not.toHaveProperty('atMost');
    const reasons = passed(
      openaiChat.parse(request(PATH, { ...hello, model: 'gpt-5.6', stream: true }), models).meter(),
      {
        headers: SSE,
        chunks: failed.map((chunk) => encode(Buffer.from(chunk).toString().replaceAll('gpt-4o-2024-08-06', 'gpt-5.6'))),
      },
    );
    expect(reasons.metered).toEqual({ kind: 'unknown', reason: 'the answer has no usage' });
    // Cut in the middle of an event: what cannot be read is unknown.
    expect(passed(parse({ stream: true }).meter(), { headers: SSE, chunks }).metered.kind).toBe('unknown');
  });

  test.each([408, 424, 504])('after status %i the model may have been at work', (status) => {
    const { metered } = passed(parse({}).meter(), { status, chunks: [encode('{}')] });
    expect(metered).toEqual({ kind: 'unknown', reason: `the provider answered with status ${status}` });
  });

  test.each([400, 401, 403, 404, 429, 500, 502, 503, 529])('status %i is not charged', (status) => {
    const body = encode('{"error":{"message":"no"}}');
    const { text, metered } = passed(parse({}).meter(), { status, chunks: [body] });
    expect(metered).toEqual({ kind: 'not_charged' });
    expect(text).toBe('{"error":{"message":"no"}}');
  });

  const answer = JSON.parse(Buffer.from(fixture('openai/chat.json')).toString());
  const wrong: [string, JsonObject][] = [
    ['no usage', { usage: null }],
    ['usage of another kind', { usage: [1] }],
    ['no counts', { usage: {} }],
    ['a negative count', { usage: { prompt_tokens: -1, completion_tokens: 1, total_tokens: 0 } }],
    ['a fraction', { usage: { prompt_tokens: 1.5, completion_tokens: 1, total_tokens: 2.5 } }],
    ['a text', { usage: { prompt_tokens: '1', completion_tokens: 1, total_tokens: 2 } }],
    ['no total', { usage: { prompt_tokens: 1, completion_tokens: 1 } }],
    ['a total that does not add up', { usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 3 } }],
    ['no input', { usage: { prompt_tokens: 0, completion_tokens: 1, total_tokens: 1 } }],
    ['no output for what was said', { usage: { prompt_tokens: 1, completion_tokens: 0, total_tokens: 1 } }],
    [
      'more cached than read',
      {
        usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2, prompt_tokens_details: { cached_tokens: 2 } },
      },
    ],
    [
      'more reasoned than written',
      {
        usage: {
          prompt_tokens: 1,
          completion_tokens: 1,
          total_tokens: 2,
          completion_tokens_details: { reasoning_tokens: 2 },
        },
      },
    ],
    [
      'details of another kind',
      {
        usage: {
          prompt_tokens: 1,
          completion_tokens: 1,
          total_tokens: 2,
          prompt_tokens_details: { cached_tokens: 'x' },
        },
      },
    ],
    [
      'cache writes without a price',
      {
        usage: {
          prompt_tokens: 2,
          completion_tokens: 1,
          total_tokens: 3,
          prompt_tokens_details: { cache_write_tokens: 1 },
        },
      },
    ],
    [
      'audio without a price',
      {
        usage: { prompt_tokens: 2, completion_tokens: 1, total_tokens: 3, prompt_tokens_details: { audio_tokens: 1 } },
      },
    ],
    ['another tier', { service_tier: 'priority' }],
    ['an unpriced tier', { service_tier: 'auto' }],
    ['another model', { model: 'gpt-4o-mega' }],
    ['a version with another price', { model: 'gpt-4o-2024-05-13' }],
  ];
  test.each(wrong)('%s: unknown, all of the hold', (_, change) => {
    const body = encode(JSON.stringify({ ...answer, ...change }));
    const { metered } = passed(parse({}).meter(), { chunks: [body] });
    expect(metered.kind).toBe('unknown');
    expect(metered).not.toHaveProperty('atMost');
  });

  test.each([
    ['garbage', { chunks: [encode('<html>')] }],
    ['half an answer', { chunks: [fixture('openai/chat.json').subarray(0, 300)] }],
    ['an answer that broke off', { chunks: [fixture('openai/chat.json')], whole: false }],
    ['nothing', { chunks: [] }],
    ['a redirect', { status: 302, chunks: [] }],
    [
      'a compressed answer',
      { headers: new Map([['content-encoding', 'gzip']]), chunks: [fixture('openai/chat.json')] },
    ],
  ])('%s: unknown', (_, given) => {
    expect(passed(parse({}).meter(), given).metered).toMatchObject({ kind: 'unknown' });
  });

  test('a stream of garbage, of nothing, and output after the usage: unknown', () => {
    const stream = Buffer.from(fixture('openai/chat-stream.sse')).toString();
    const [first = '', ...rest] = eventsOf(encode(stream));
    for (const text of ['data: {\n\n', '', 'garbage', [...rest.slice(0, -1), first].join('')]) {
      const { metered } = passed(parse({ stream: true }).meter(), { headers: SSE, chunks: [encode(text)] });
      expect(metered.kind).toBe('unknown');
    }
  });

  test('a meter that was asked too early knows nothing', () => {
    expect(parse({}).meter().result()).toMatchObject({ kind: 'unknown' });
  });

  test('more than the bound is still what was used', () => {
    const many = { prompt_tokens: 5_000_000, completion_tokens: 1, total_tokens: 5_000_001 };
    const body = encode(JSON.stringify({ ...answer, usage: many }));
    const { metered } = passed(parse({}).meter(), { chunks: [body] });
    expect(metered).toMatchObject({ kind: 'reported', usage: { tokens: { input: 5_000_000 } } });
  });
});
