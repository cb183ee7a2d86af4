import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../lib/json.ts';
import { openaiResponses } from '../../../lib/model-calls/openai/responses.ts';
import {
  bytewise,
  encode,
  eventsOf,
  fee,
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

const PATH = '/v1/responses';
const gpt56 = priceOf({
  provider: 'openai',
  model: 'gpt-5.6',
  contextWindow: 400_000,
  maxOutputTokens: 128_000,
  tiers: [
    {
      aboveInputTokens: 0,
      rates: rates({ input: 1.25, cacheRead: 0.125, cacheWrite30m: 1.5625, cacheWrite12h: 2.5, output: 10 }),
    },
  ],
  fees: { webSearch: fee(0.01), codeInterpreter: fee(0.03) },
  accepts: { images: true, documents: true, audio: false, maxTokensPerImage: 2000 },
});
const mini = priceOf({ provider: 'openai', model: 'gpt-4o-mini', fees: { webSearch: fee(0.01) } });
const models = lookup(gpt56, mini);

const hello = { model: 'gpt-5.6', input: 'hi' };
const parse = (body: JsonObject) => openaiResponses.parse(request(PATH, { ...hello, ...body }), models);
const said = (...content: Json[]) => ({ input: [{ role: 'user', content }] });

test('it serves one path', () => {
  expect(openaiResponses.serves('POST', PATH)).toBe(true);
  expect(openaiResponses.serves('GET', `${PATH}/resp_1`)).toBe(false);
  expect(openaiResponses.serves('POST', `${PATH}/resp_1/cancel`)).toBe(false);
});

describe('the bound', () => {
  test('has everything that a model may read', () => {
    const long = 'ä'.repeat(500);
    const some: JsonObject[] = [
      { input: long },
      { instructions: long },
      said({ type: 'input_text', text: long }),
      { input: [{ type: 'message', role: 'developer', content: long }] },
      { input: [{ role: 'assistant', content: [{ type: 'output_text', text: long, annotations: [] }] }] },
      { input: [{ role: 'assistant', content: [{ type: 'refusal', refusal: long }] }] },
      { input: [{ type: 'function_call', call_id: 'c', name: 'f', arguments: long }] },
      { input: [{ type: 'function_call_output', call_id: 'c', output: long }] },
      { input: [{ type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text: long }] }] },
      { input: [{ type: 'custom_tool_call', call_id: 'c', name: 'f', input: long }] },
      { input: [{ type: 'custom_tool_call_output', call_id: 'c', output: long }] },
      { tools: [{ type: 'function', name: 'f', description: long }] },
      { text: { format: { type: 'json_schema', name: 's', schema: { description: long } } } },
    ];
    for (const body of some) {
      expect(parse(body).bound.inputTokens).toBeGreaterThan(1000);
      expect(parse(body).bound.inputTokens).toBeLessThan(4000);
    }
  });

  test('of an image is what one counts at most', () => {
    for (const url of ['https://example.com/x.png', `data:image/png;base64,${'A'.repeat(100_000)}`]) {
      const { inputTokens } = parse(said({ type: 'input_image', image_url: url, detail: 'high' })).bound;
      expect(inputTokens).toBeGreaterThan(2000);
      expect(inputTokens).toBeLessThan(2200);
    }
  });

  test.each<[string, JsonObject]>([
    ['a document', said({ type: 'input_file', file_data: 'data:application/pdf;base64,AAAA' })],
    ['a document somewhere else', said({ type: 'input_file', file_url: 'https://example.com/a.pdf' })],
    ['reasoning of before', { input: [{ type: 'reasoning', id: 'rs', summary: [], encrypted_content: 'x' }] }],
    ['an item that is stored', { input: [{ id: 'msg_1' }, { type: 'item_reference', id: 'fc_1' }] }],
    ['a search of before', { input: [{ type: 'web_search_call', id: 'ws', status: 'completed' }] }],
  ])('of %s is the whole window', (_, body) => {
    expect(parse(body).bound.inputTokens).toBe(400_000);
  });

  test('of tools of the provider is a window for each use and the last word, with their fees', () => {
    const tools = [{ type: 'web_search' }, { type: 'code_interpreter', container: { type: 'auto' } }];
    const { bound } = parse({ tools, max_tool_calls: 3, max_output_tokens: 100 });
    expect(bound).toEqual({
      inputTokens: 1_600_000,
      inputClasses: ['input', 'cacheRead', 'cacheWrite30m'],
      outputTokens: 400,
      outputClasses: ['output'],
      fees: { webSearch: 3, codeInterpreter: 3 },
    });
  });

  test('has longer cache writes where they are asked for', () => {
    const options = parse({ prompt_cache_options: { mode: 'implicit', ttl: '12h' } });
    expect(options.bound.inputClasses).toContain('cacheWrite12h');
    const breakpoint = { mode: 'explicit', ttl: '12h' };
    const part = parse(said({ type: 'input_text', text: '', prompt_cache_breakpoint: breakpoint }));
    expect(part.bound.inputClasses).toContain('cacheWrite12h');
  });
});

test('what goes to the provider has a ceiling and the standard tier', () => {
  const call = parse({ background: false, store: false });
  expect(upstreamBody(call)).toEqual({ ...hello, store: false, max_output_tokens: 128_000, service_tier: 'default' });
  expect(call.notes).toEqual({ 'x-wflo-max-output-tokens': '128000' });
  expect(parse({ max_output_tokens: 16 }).notes).toEqual({});
  expect(call.upstream.path).toBe(PATH);
  expect(call.boundWithOutput?.(5)).toEqual({ ...call.bound, outputTokens: 5 });
});

describe('refused before anything is called', () => {
  test.each<[string, JsonObject, string]>([
    ['no input', { input: null }, 'input must be given'],
    ['background', { background: true }, 'background'],
    ['an earlier response', { previous_response_id: 'resp_1' }, 'previous_response_id'],
    ['a conversation', { conversation: 'conv_1' }, 'conversation'],
    ['a stored prompt', { prompt: { id: 'pmpt_1' } }, 'prompt'],
    ['compaction', { context_management: [] }, 'context_management'],
    ['a compaction', { input: [{ type: 'compaction', encrypted_content: 'x' }] }, 'input[0] of the type "compaction"'],
    ['a file by id', said({ type: 'input_file', file_id: 'f' }), 'input[0].content[0].file_id'],
    ['an image by id', said({ type: 'input_image', file_id: 'f' }), 'input[0].content[0].file_id'],
    ['an unknown part', said({ type: 'input_video' }), 'input[0].content[0] of the type "input_video"'],
    ['a tier', { service_tier: 'ultrafast' }, 'service_tier "ultrafast"'],
    ['the pro mode', { reasoning: { mode: 'pro' } }, 'reasoning.mode "pro"'],
    ['an unknown field of reasoning', { reasoning: { depth: 3 } }, 'reasoning.depth'],
    ['an unknown field of text', { text: { x: 1 } }, 'text.x'],
    ['an unknown include', { include: ['everything'] }, 'include "everything"'],
    ['prewarming', { prompt_cache_options: { prewarm: true } }, 'prompt_cache_options.prewarm'],
    ['a tool without a limit', { tools: [{ type: 'web_search' }] }, 'max_tool_calls'],
    [
      'a tool without a price',
      { tools: [{ type: 'file_search', vector_store_ids: ['v'] }], max_tool_calls: 1 },
      'tools[0]: file_search for gpt-5.6',
    ],
    [
      'a search that is charged unseen',
      { model: 'gpt-4o-mini', tools: [{ type: 'web_search' }], max_tool_calls: 1 },
      'web_search for gpt-4o-mini',
    ],
    [
      'a container that costs more',
      { tools: [{ type: 'code_interpreter', container: { type: 'auto', memory_limit: '64g' } }], max_tool_calls: 1 },
      'tools[0].container.memory_limit',
    ],
    ['a preview of search', { tools: [{ type: 'web_search_preview' }], max_tool_calls: 1 }, 'web_search_preview'],
    ['images', { tools: [{ type: 'image_generation' }], max_tool_calls: 1 }, 'tools[0] of the type "image_generation"'],
    ['other servers', { tools: [{ type: 'mcp', server_label: 'x' }], max_tool_calls: 1 }, 'tools[0] of the type "mcp"'],
    ['a field of a tool', { tools: [{ type: 'function', name: 'f', async: true }] }, 'tools[0].async'],
    [
      'too many uses',
      { tools: [{ type: 'web_search' }], max_tool_calls: 100_000 },
      'max_tool_calls must be a whole number',
    ],
    ['more than the model gives', { max_output_tokens: 128_001 }, 'max_output_tokens is 128001'],
    ['an unknown field', { new_thing: 1 }, 'new_thing'],
    ['an unknown field of an item', { input: [{ role: 'user', content: '', x: 1 }] }, 'input[0].x'],
  ])('%s', (_, body, named) => {
    const refusal = refusalOf(() => parse(body));
    expect(refusal.message).toContain(named);
    expect(refusal.status).toBe(400);
    expect(['unpriced_feature', 'invalid_request']).toContain(refusal.code);
  });
});

describe('the meter', () => {
  const usage = {
    kind: 'reported',
    usage: {
      tokens: { input: 206, cacheRead: 1500, cacheWrite30m: 100, cacheWrite12h: 200, output: 300 },
      reasoningTokens: 256,
    },
  };

  test('a whole response', () => {
    const { metered } = passed(parse({}).meter(), { chunks: [fixture('openai/responses.json')] });
    expect(metered).toMatchObject(usage);
  });

  test.each(['responses-stream.sse', 'responses-incomplete-stream.sse'])('every end of a stream: %s', (name) => {
    const stream = fixture(`openai/${name}`);
    for (const chunks of [[stream], bytewise(stream)]) {
      const { text, metered } = passed(parse({ stream: true }).meter(), { headers: SSE, chunks });
      expect(text).toBe(Buffer.from(stream).toString());
      expect(metered).toMatchObject(usage);
    }
  });

  test('a response that failed costs what it used', () => {
    const chunks = [fixture('openai/responses-failed-stream.sse')];
    const { metered } = passed(parse({ stream: true }).meter(), { headers: SSE, chunks });
    expect(metered).toMatchObject({ kind: 'reported', usage: { tokens: { input: 206, output: 0 } } });
  });

  test('a stream that breaks after any event but the last is unknown: the model reasons', () => {
    const events = eventsOf(fixture('openai/responses-stream.sse'));
    const results = events.map((_, at) => {
      const chunks = events.slice(0, at + 1).map(encode);
      return passed(parse({ stream: true }).meter(), { headers: SSE, chunks, whole: false }).metered;
    });
    expect(results.slice(0, -1).every((result) => result.kind === 'unknown' && !('atMost' in result))).toBe(true);
    expect(results.at(-1)).toMatchObject(usage);
  });

  test('a stream that the provider ends without its last event was seen whole where nothing reasons', () => {
    const events = eventsOf(fixture('openai/responses-stream.sse')).slice(0, -1);
    const call = parse({ model: 'gpt-4o-mini', stream: true });
    const { metered } = passed(call.meter(), { headers: SSE, chunks: events.map(encode) });
    expect(metered).toEqual({
      kind: 'unknown',
      reason: 'the answer has no usage',
      atMost: { tokens: { input: call.bound.inputTokens, output: Buffer.byteLength('Grüße!') + 16 } },
    });
    const broken = passed(call.meter(), { headers: SSE, chunks: events.map(encode), whole: false });
    expect(broken.metered).not.toHaveProperty('atMost');
  });

  const searching = {
    tools: [{ type: 'web_search' }, { type: 'code_interpreter', container: { type: 'auto' } }],
    max_tool_calls: 5,
  };
  const searched = JSON.parse(Buffer.from(fixture('openai/responses-search.json')).toString());
  const meter = (answer: JsonObject, body: JsonObject = searching) =>
    passed(parse(body).meter(), { chunks: [encode(JSON.stringify(answer))] }).metered;

  test('uses of tools are counted: each search, each container', () => {
    expect(meter(searched)).toMatchObject({ kind: 'reported', usage: { fees: { webSearch: 2, codeInterpreter: 1 } } });
    const counted = { ...searched, tool_usage: { web_search: { num_requests: 4 } } };
    expect(meter(counted)).toMatchObject({ usage: { fees: { webSearch: 4 } } });
  });

  test.each<[string, JsonObject, JsonObject]>([
    ['uses of tools that nobody asked for', {}, {}],
    ['no list of what it did', { output: null }, searching],
    ['a response that runs on', { status: 'in_progress' }, searching],
    ['a response without a status', { status: null }, searching],
    ['no usage', { usage: null }, searching],
    [
      'cache writes that do not add up',
      {
        usage: {
          input_tokens: 9,
          output_tokens: 1,
          total_tokens: 10,
          input_tokens_details: {
            cache_write_tokens: 3,
            cache_write_tokens_details: { ttl_30m_tokens: 1, ttl_12h_tokens: 1 },
          },
        },
      },
      searching,
    ],
    ['another tier', { service_tier: 'priority' }, searching],
    ['another model', { model: 'gpt-5.7' }, searching],
  ])('%s: unknown', (_, change, body) => {
    expect(meter({ ...searched, ...change }, body)).toMatchObject({ kind: 'unknown' });
    expect(meter({ ...searched, ...change }, body)).not.toHaveProperty('atMost');
  });

  test('errors are not charged', () => {
    for (const status of [400, 429, 500]) {
      expect(passed(parse({}).meter(), { status, chunks: [] }).metered).toEqual({ kind: 'not_charged' });
    }
  });
});
