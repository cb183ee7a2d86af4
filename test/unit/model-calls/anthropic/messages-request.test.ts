import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../../lib/json.ts';
import { anthropicMessages } from '../../../../lib/model-calls/anthropic/messages.ts';
import { lookup, refusalOf, request, SONNET } from '../../../_fixtures/model-calls/claude-samples.ts';

const BASE: JsonObject = {
  model: 'claude-sonnet-4-5',
  max_tokens: 1000,
  messages: [{ role: 'user', content: 'Hello, Claude' }],
};
const parse = (body: Json | Uint8Array, headers: Record<string, string> = {}, path = '/v1/messages') =>
  anthropicMessages.parse(request(path, body, headers), lookup);
const refused = (body: Json | Uint8Array, headers: Record<string, string> = {}, path = '/v1/messages') =>
  refusalOf(anthropicMessages, request(path, body, headers));
const userBlocks = (...content: Json[]): JsonObject => ({ ...BASE, messages: [{ role: 'user', content }] });
const sent = (call: ReturnType<typeof parse>) => JSON.parse(new TextDecoder().decode(call.upstream.body));

/** What the template of one message without tools adds. */
const TEMPLATE = 512 + 32;
const BLOCK = 32;

describe('what is served', () => {
  it('is these two paths', () => {
    expect(anthropicMessages.serves('POST', '/v1/messages')).toBe(true);
    expect(anthropicMessages.serves('POST', '/v1/messages/count_tokens')).toBe(true);
    expect(anthropicMessages.serves('GET', '/v1/messages')).toBe(false);
    expect(anthropicMessages.serves('POST', '/v1/messages/batches')).toBe(false);
    expect(anthropicMessages.serves('POST', '/v1/complete')).toBe(false);
  });
});

describe('a call that can be paid for', () => {
  it('is bounded by its bytes and its max_tokens', () => {
    const call = parse(BASE);
    expect(call.bound).toEqual({
      inputTokens: 'Hello, Claude'.length + TEMPLATE,
      inputClasses: ['input', 'cacheRead'],
      outputTokens: 1000,
      outputClasses: ['output'],
    });
    expect(call.boundWithOutput?.(10)).toEqual({ ...call.bound, outputTokens: 10 });
    expect(call).toMatchObject({ format: 'anthropic-messages', provider: 'anthropic', price: SONNET, stream: false });
    expect(call.notes).toEqual({});
  });

  it('goes out as it came, in the standard tier', () => {
    const call = parse({ ...BASE, stream: true });
    expect(sent(call)).toEqual({ ...BASE, stream: true, service_tier: 'standard_only' });
    expect(call.stream).toBe(true);
    expect(call.upstream.path).toBe('/v1/messages');
    expect(sent(parse({ ...BASE, service_tier: 'auto' })).service_tier).toBe('standard_only');
    const exact = new TextEncoder().encode(JSON.stringify({ ...BASE, service_tier: 'standard_only' }));
    expect(parse(exact).upstream.body).toBe(exact);
  });

  it('keeps numbers that JavaScript does not hold', () => {
    const text =
      '{"model":"claude-sonnet-4-5","max_tokens":5,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"n","input":{"id":12345678901234567890}}]}]}';
    expect(new TextDecoder().decode(parse(new TextEncoder().encode(text)).upstream.body)).toContain(
      '"id":12345678901234567890',
    );
  });

  it('takes no credentials along', () => {
    const { headers } = parse(BASE, {
      'x-api-key': 'wflo',
      authorization: 'Bearer wflo',
      cookie: 'a=b',
      'anthropic-workspace-id': 'wrkspc_1',
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'prompt-caching-2024-07-31, interleaved-thinking-2025-05-14',
      'user-agent': 'Anthropic/JS 1.12.0',
      accept: 'application/json',
    }).upstream;
    expect(headers).toEqual({
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'prompt-caching-2024-07-31,interleaved-thinking-2025-05-14',
      'user-agent': 'Anthropic/JS 1.12.0',
      accept: 'application/json',
    });
    expect(parse(BASE).upstream.headers['anthropic-version']).toBe('2023-06-01');
    const newer = parse(BASE, { 'anthropic-version': '2026-10-21' });
    expect(newer.upstream.headers['anthropic-version']).toBe('2026-10-21');
    expect(parse(BASE, {}, '/v1/messages?beta=true').upstream.path).toBe('/v1/messages?beta=true');
  });

  it('gets the ceiling of the model where it names none, and says so', () => {
    const { max_tokens: _, ...without } = BASE;
    for (const body of [without, { ...without, max_tokens: null }]) {
      const call = parse(body);
      expect(call.bound.outputTokens).toBe(64_000);
      expect(call.notes).toEqual({ 'x-wflo-max-output-tokens': '64000' });
      expect(sent(call).max_tokens).toBe(64_000);
    }
    expect(parse({ ...BASE, max_tokens: 0 }).bound.outputTokens).toBe(0);
  });

  it('is never bounded above the window', () => {
    expect(parse(userBlocks({ type: 'text', text: 'x'.repeat(300_000) })).bound.inputTokens).toBe(200_000);
  });

  it('counts an image as its most, or as the window where nobody knows that, and never as 0', () => {
    const inline = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(50_000) } };
    const byUrl = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } };
    expect(parse(userBlocks(inline)).bound.inputTokens).toBe(1_600 + BLOCK + TEMPLATE);
    expect(parse(userBlocks(byUrl, inline)).bound.inputTokens).toBe(3_200 + 2 * BLOCK + TEMPLATE);
    const inResult = { type: 'tool_result', tool_use_id: 't1', content: [byUrl] };
    expect(parse(userBlocks(inResult)).bound.inputTokens).toBe(2 + 1_600 + 2 * BLOCK + TEMPLATE);
    expect(parse({ ...userBlocks(byUrl), model: 'claude-no-image-limit' }).bound.inputTokens).toBe(200_000);
  });

  it.each<[string, Json]>([
    ['a PDF', { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' } }],
    [
      'a text with citations',
      {
        type: 'document',
        source: { type: 'text', media_type: 'text/plain', data: 'a. b.' },
        citations: { enabled: true },
      },
    ],
    [
      'a search result with citations',
      {
        type: 'search_result',
        source: 's',
        title: 't',
        content: [{ type: 'text', text: 'a' }],
        citations: { enabled: true },
      },
    ],
    ['what a server tool found before', { type: 'web_search_tool_result', tool_use_id: 's1', content: [] }],
  ])('counts %s as the window', (_, block) => {
    expect(parse(userBlocks(block)).bound.inputTokens).toBe(200_000);
  });

  it('counts a document of text as its bytes', () => {
    const document = {
      type: 'document',
      title: 'T',
      source: { type: 'text', media_type: 'text/plain', data: 'é'.repeat(100) },
    };
    expect(parse(userBlocks(document)).bound.inputTokens).toBe(201 + BLOCK + TEMPLATE);
  });

  it('counts earlier thinking as much as a turn can be, since its signature may carry that', () => {
    const thinking = { type: 'thinking', thinking: 'short', signature: 'EqQBCgIYAhIM' };
    const call = parse({ ...BASE, messages: [{ role: 'assistant', content: [thinking] }] });
    expect(call.bound.inputTokens).toBe(5 + 64_000 + BLOCK + TEMPLATE);
  });

  it('counts tools with what Anthropic says to the model about them', () => {
    const tool = { name: 'get_weather', description: 'x'.repeat(100), input_schema: { type: 'object' } };
    const { inputTokens } = parse({ ...BASE, tools: [tool] }).bound;
    expect(inputTokens).toBeGreaterThan(100 + 2048 + 128 + TEMPLATE);
    expect(inputTokens).toBeLessThan(3_500);
    expect(parse({ ...BASE, tools: [{ type: 'bash_20250124', name: 'bash' }] }).bound.inputTokens).toBe(200_000);
  });

  it.each<[string, JsonObject, readonly string[]]>([
    ['of the whole request', { cache_control: { type: 'ephemeral' } }, ['cacheWrite5m']],
    [
      'of a system prompt',
      { system: [{ type: 'text', text: 's', cache_control: { type: 'ephemeral', ttl: '1h' } }] },
      ['cacheWrite1h'],
    ],
    [
      'of a tool and a block, with both times to live',
      {
        tools: [{ name: 't', input_schema: {}, cache_control: { type: 'ephemeral', ttl: '1h' } }],
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '5m' } }] },
        ],
      },
      ['cacheWrite1h', 'cacheWrite5m'],
    ],
  ])('may write to the cache: %s', (_, extra, classes) => {
    expect(new Set(parse({ ...BASE, ...extra }).bound.inputClasses)).toEqual(
      new Set(['input', 'cacheRead', ...classes]),
    );
  });

  it('reads the window again after each web search, and pays for each', () => {
    const { bound } = parse({ ...BASE, tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 3 }] });
    expect(bound).toMatchObject({ inputTokens: 800_000, outputTokens: 4_000, fees: { webSearch: 3 } });
    expect(bound.inputClasses).toContain('cacheWrite5m');
  });

  it('may think up to the window where its budget is above max_tokens', () => {
    const call = parse({ ...BASE, thinking: { type: 'enabled', budget_tokens: 20_000 } });
    expect(call.bound.outputTokens).toBe(200_000);
    expect(call.boundWithOutput).toBeUndefined();
    expect(
      parse({ ...BASE, max_tokens: 30_000, thinking: { type: 'enabled', budget_tokens: 20_000 } }).bound.outputTokens,
    ).toBe(30_000);
    expect(parse({ ...BASE, thinking: { type: 'adaptive', display: 'omitted' } }).bound.outputTokens).toBe(1000);
  });

  it('takes what SDKs send beside', () => {
    const call = parse({
      ...BASE,
      temperature: 1,
      top_k: 4,
      top_p: 0.5,
      stop_sequences: ['END'],
      metadata: { user_id: 'u' },
      tool_choice: { type: 'auto' },
      output_config: { effort: 'low', format: { type: 'json_schema', schema: { type: 'object' } } },
      speed: 'standard',
      inference_geo: 'global',
      container: null,
      context_management: null,
      messages: [
        { role: 'user', content: 'a' },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'b', citations: null },
            { type: 'tool_use', id: 't', name: 'n', input: {}, caller: { type: 'direct' } },
          ],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'c', is_error: false }] },
      ],
    });
    expect(call.bound.outputTokens).toBe(1000);
  });
});

describe('what has no price', () => {
  it.each<[string, JsonObject]>([
    ['service_tier', { service_tier: 'priority' }],
    ['speed', { speed: 'fast' }],
    ['inference_geo', { inference_geo: 'us' }],
    ['container', { container: 'container_1' }],
    ['mcp_servers', { mcp_servers: [] }],
    ['context_management', { context_management: { edits: [] } }],
    ['diagnostics', { diagnostics: {} }],
    ['something_new', { something_new: 1 }],
    ['cache_control.ttl', { cache_control: { type: 'ephemeral', ttl: '24h' } }],
    ['cache_control.type', { cache_control: { type: 'lasting' } }],
    ['thinking.type', { thinking: { type: 'deep' } }],
    ['output_config.turbo', { output_config: { turbo: true } }],
    ['web search without a limit', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    ['web_fetch_20250910', { tools: [{ type: 'web_fetch_20250910', name: 'web_fetch', max_uses: 1 }] }],
    ['code_execution_20250825', { tools: [{ type: 'code_execution_20250825', name: 'code_execution' }] }],
    ['web_search_20260209', { tools: [{ type: 'web_search_20260209', name: 'web_search', max_uses: 1 }] }],
    ['computer_toolset_20260801', { tools: [{ type: 'computer_toolset_20260801' }] }],
    ['defer_loading', { tools: [{ name: 't', input_schema: {}, defer_loading: true }] }],
  ])('is refused by its name: %s', (name, extra) => {
    const refusal = refused({ ...BASE, ...extra });
    expect(refusal).toMatchObject({ code: 'unpriced_feature', status: 400 });
    expect(refusal.message).toContain(name);
  });

  it.each<[string, Json]>([
    ['an image by "file"', { type: 'image', source: { type: 'file', file_id: 'f' } }],
    ['a document by "url"', { type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } }],
    ['a document by "file"', { type: 'document', source: { type: 'file', file_id: 'f' } }],
    ['"container_upload"', { type: 'container_upload', file_id: 'f' }],
    ['"video"', { type: 'video' }],
    ['null', {}],
    ['clear_at', { type: 'text', text: 'a', clear_at: 1 }],
    [
      'code_execution_20250825',
      { type: 'tool_use', id: 'a', name: 'b', input: {}, caller: { type: 'code_execution_20250825', tool_id: 'x' } },
    ],
    ['code_execution', { type: 'server_tool_use', id: 'a', name: 'code_execution', input: {} }],
  ])('is refused in a block: %s', (name, block) => {
    const refusal = refused(userBlocks(block));
    expect(refusal.code).toBe('unpriced_feature');
    expect(refusal.message).toContain(name);
    expect(refusal.message).toContain('messages[0].content[0]');
  });

  it('is refused in headers and queries', () => {
    expect(refused(BASE, { 'anthropic-beta': 'prompt-caching-2024-07-31,fast-mode-2026-02-01' }).message).toContain(
      'fast-mode-2026-02-01',
    );
    expect(refused(BASE, { 'anthropic-beta': 'context-1m-2025-08-07' }).code).toBe('unpriced_feature');
    expect(refused(BASE, {}, '/v1/messages?tier=fast').message).toContain('tier');
    expect(refused(BASE, { 'anthropic-version': '2023-01-01' }).code).toBe('invalid_request');
  });

  it('is refused where the model has no price for it', () => {
    const body = { ...BASE, model: 'claude-text-only' };
    const image = { type: 'image', source: { type: 'url', url: 'u' } };
    const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: '' } };
    for (const extra of [
      { messages: [{ role: 'user', content: [image] }] },
      { messages: [{ role: 'user', content: [pdf] }] },
      { cache_control: { type: 'ephemeral' } },
      { tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 1 }] },
    ]) {
      expect(refused({ ...body, ...extra })).toMatchObject({ code: 'unpriced_feature', status: 400 });
    }
  });
});

describe('what is malformed', () => {
  it.each<[string, Json | Uint8Array, string]>([
    ['no JSON', new TextEncoder().encode('{"model":'), 'malformed_json'],
    ['invalid UTF-8', Uint8Array.from([0x7b, 0xff, 0x7d]), 'malformed_json'],
    ['a name twice', new TextEncoder().encode('{"max_tokens":1,"max_tokens":100000}'), 'malformed_json'],
    ['a number of a million digits', new TextEncoder().encode(`{"model":${'9'.repeat(1e6)}}`), 'malformed_json'],
    ['an unknown model', { ...BASE, model: 'claude-sonnet-4-5-20991231' }, 'unknown_model'],
    ['a model of another case', { ...BASE, model: 'Claude-Sonnet-4-5' }, 'unknown_model'],
    ['no model', { messages: [] }, 'invalid_request'],
    ['max_tokens above the ceiling', { ...BASE, max_tokens: 64_001 }, 'invalid_request'],
    ['max_tokens below 0', { ...BASE, max_tokens: -1 }, 'invalid_request'],
    ['max_tokens as a text', { ...BASE, max_tokens: '5' }, 'invalid_request'],
    ['messages that are no list', { ...BASE, messages: {} }, 'invalid_request'],
    ['a role that does not exist', { ...BASE, messages: [{ role: 'root', content: '' }] }, 'invalid_request'],
    ['a stream that is no flag', { ...BASE, stream: 'yes' }, 'invalid_request'],
    [
      'too many searches',
      { ...BASE, tools: [{ type: 'web_search_20250305', name: 'w', max_uses: 1e9 }] },
      'invalid_request',
    ],
  ])('is refused: %s', (_, body, code) => {
    expect(refused(body).code).toBe(code);
  });
});

describe('counting tokens', () => {
  const { max_tokens: _, ...count } = BASE;

  it('is free, and passes on as it came', () => {
    const body = new TextEncoder().encode(JSON.stringify(count));
    const call = parse(body, {}, '/v1/messages/count_tokens');
    expect(call.bound).toMatchObject({ inputTokens: 0, outputTokens: 0 });
    expect(call.upstream.body).toBe(body);
    expect(call.upstream.path).toBe('/v1/messages/count_tokens');
    const meter = call.meter();
    meter.begin(200, new Map());
    meter.push(new TextEncoder().encode('{"input_tokens":2095}'));
    meter.end(true);
    expect(meter.result()).toEqual({ kind: 'reported', usage: { tokens: {} }, raw: { input_tokens: 2095 } });
  });

  it('takes nothing that has a price', () => {
    expect(refused({ ...count, stream: true }, {}, '/v1/messages/count_tokens').code).toBe('unpriced_feature');
    expect(refused({ ...count, model: 'gpt' }, {}, '/v1/messages/count_tokens').code).toBe('unknown_model');
  });
});

describe('the time that a bound takes', () => {
  const time = (body: Json) => {
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    parse(bytes);
    // Of this process: the machine may have other work.
    const before = process.cpuUsage();
    const { bound } = parse(bytes);
    const { user, system } = process.cpuUsage(before);
    return { milliseconds: (user + system) / 1000, bound };
  };

  it('is below 100 ms for 18 KB of joined emoji', () => {
    const bomb = '👩‍👩‍👧‍👦'.repeat(720);
    const { milliseconds, bound } = time(userBlocks({ type: 'text', text: bomb }));
    expect(milliseconds).toBeLessThan(100);
    expect(bound.inputTokens).toBe(Buffer.byteLength(bomb) + BLOCK + TEMPLATE);
    expect(time({ ...BASE, tools: [{ name: 't', input_schema: { description: bomb } }] }).milliseconds).toBeLessThan(
      100,
    );
  });

  it('is well below a second for 5.5 MB', () => {
    expect(time(userBlocks({ type: 'text', text: 'é'.repeat(2_700_000) })).milliseconds).toBeLessThan(500);
    const many = Array.from({ length: 50_000 }, (_, at) => ({ role: 'user', content: `${at} ${'x'.repeat(70)}` }));
    expect(time({ ...BASE, messages: many }).milliseconds).toBeLessThan(500);
  });
});

describe('the bound of a text', () => {
  // Long enough that what the template adds hides nothing.
  const LONG = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.repeat(500));

  it('is at least its bytes, wherever it stands', () => {
    fc.assert(
      fc.property(LONG, fc.string(), (text, other) => {
        const bytes = Buffer.byteLength(text) + Buffer.byteLength(other);
        const bodies: JsonObject[] = [
          { ...userBlocks({ type: 'text', text }), system: other },
          {
            ...BASE,
            messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: '', name: other, input: { text } }] }],
          },
          { ...BASE, messages: [], tools: [{ name: other, input_schema: { description: text } }] },
          userBlocks({ type: 'tool_result', tool_use_id: other, content: [{ type: 'text', text }] }),
          userBlocks({
            type: 'document',
            title: other,
            source: { type: 'content', content: [{ type: 'text', text }] },
          }),
        ];
        for (const body of bodies) expect(parse(body).bound.inputTokens).toBeGreaterThanOrEqual(bytes);
      }),
    );
  });
});
