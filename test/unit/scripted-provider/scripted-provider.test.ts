import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedProvider } from '../../_helpers/scripted-provider/scripted-provider.ts';

let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await ScriptedProvider.start();
});
afterAll(() => provider.stop());
beforeEach(() => provider.reset());

const ASK = [{ role: 'user', content: 'Hello' }];
const TOOL = { name: 'search', arguments: { query: 'budget' } };

/** One way to reach each API, with what its usage looks like when it is normal. */
const APIS = {
  chat: {
    path: '/openai/v1/chat/completions',
    headers: { authorization: 'Bearer k' },
    body: { model: 'gpt-4o', max_tokens: 50, messages: ASK },
    stream: { stream: true, stream_options: { include_usage: true } },
  },
  responses: {
    path: '/v1/responses',
    headers: { authorization: 'Bearer k' },
    body: { model: 'gpt-4o', max_output_tokens: 50, input: 'Hello' },
    stream: { stream: true },
  },
  messages: {
    path: '/anthropic/v1/messages',
    headers: { 'x-api-key': 'k', 'anthropic-version': '2023-06-01' },
    body: { model: 'claude-sonnet-4-5', max_tokens: 50, messages: ASK },
    stream: { stream: true },
  },
  gemini: {
    path: '/v1beta/models/gemini-2.5-flash:generateContent',
    streamPath: '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    headers: { 'x-goog-api-key': 'k' },
    body: { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }], generationConfig: { maxOutputTokens: 50 } },
    stream: {},
  },
  converse: {
    path: '/model/amazon.nova-lite-v1%3A0/converse',
    streamPath: '/model/amazon.nova-lite-v1%3A0/converse-stream',
    headers: { authorization: 'Bearer k' },
    body: { messages: [{ role: 'user', content: [{ text: 'Hello' }] }], inferenceConfig: { maxTokens: 50 } },
    stream: {},
  },
  invoke: {
    path: '/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke',
    streamPath: '/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream',
    headers: { authorization: 'Bearer k' },
    body: { anthropic_version: 'bedrock-2023-05-31', max_tokens: 50, messages: ASK },
    stream: {},
  },
} as const;
type Api = keyof typeof APIS;
const NAMES = Object.keys(APIS) as Api[];

function call(name: Api, how: { stream?: boolean; headers?: Record<string, string>; body?: object } = {}) {
  const api = APIS[name];
  const path = how.stream === true && 'streamPath' in api ? api.streamPath : api.path;
  const body = { ...api.body, ...(how.stream === true ? api.stream : {}), ...how.body };
  return fetch(`${provider.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(how.headers ?? api.headers) },
    body: JSON.stringify(body),
  });
}

type Event = { readonly [key: string]: unknown };

/** The data of the events of a stream, those of Bedrock with their type. */
async function eventsOf(response: Response): Promise<Event[]> {
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.headers.get('content-type') === 'application/vnd.amazon.eventstream') return framesIn(bytes);
  return bytes
    .toString()
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
    .map((line) => JSON.parse(line.slice(6)));
}

function framesIn(bytes: Buffer): Event[] {
  const frames: Event[] = [];
  for (let at = 0; at < bytes.length; ) {
    const frame = bytes.subarray(at, at + bytes.readUInt32BE(at));
    expect(frame.readUInt32BE(8)).toBe(crc32(frame.subarray(0, 8)));
    expect(frame.readUInt32BE(frame.length - 4)).toBe(crc32(frame.subarray(0, -4)));
    const headers = headersIn(frame.subarray(12, 12 + frame.readUInt32BE(4)));
    const type = headers.get(':event-type') ?? headers.get(':exception-type');
    const payload = JSON.parse(frame.subarray(12 + frame.readUInt32BE(4), -4).toString());
    const inner = type === 'chunk' ? JSON.parse(Buffer.from(payload.bytes, 'base64').toString()) : payload;
    frames.push({ eventType: type, ...inner });
    at += frame.length;
  }
  return frames;
}

function headersIn(bytes: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const value = at + 1 + bytes.readUInt8(at) + 3;
    const end = value + bytes.readUInt16BE(value - 2);
    headers.set(bytes.toString('utf8', at + 1, value - 3), bytes.toString('utf8', value, end));
    at = end;
  }
  return headers;
}

const TOKENS = { inputTokens: 100, cacheReadTokens: 30, cacheWriteTokens: 20, outputTokens: 12, reasoningTokens: 4 };
/** The same 100 and 12 tokens, as each API tells them. */
const USAGE: Record<Api, object> = {
  chat: {
    prompt_tokens: 100,
    completion_tokens: 12,
    total_tokens: 112,
    prompt_tokens_details: { cached_tokens: 30, cache_write_tokens: 20 },
    completion_tokens_details: { reasoning_tokens: 4 },
  },
  responses: {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 30, cache_write_tokens: 20 },
    output_tokens: 12,
    output_tokens_details: { reasoning_tokens: 4 },
    total_tokens: 112,
  },
  messages: { input_tokens: 50, cache_read_input_tokens: 30, cache_creation_input_tokens: 20, output_tokens: 12 },
  gemini: {
    promptTokenCount: 100,
    cachedContentTokenCount: 30,
    candidatesTokenCount: 8,
    thoughtsTokenCount: 4,
    totalTokenCount: 112,
  },
  converse: {
    inputTokens: 50,
    cacheReadInputTokens: 30,
    cacheWriteInputTokens: 20,
    outputTokens: 12,
    totalTokens: 112,
    cacheDetails: [{ ttl: '5m', inputTokens: 20 }],
  },
  invoke: { input_tokens: 50, cache_read_input_tokens: 30, cache_creation_input_tokens: 20, output_tokens: 12 },
};

/** The last usage that an answer or a list of events tells. */
function usageIn(value: unknown): unknown {
  let last: unknown;
  const look = (at: unknown): void => {
    if (typeof at !== 'object' || at === null) return;
    for (const [key, below] of Object.entries(at)) {
      if ((key === 'usage' || key === 'usageMetadata') && below !== null) last = below;
      else look(below);
    }
  };
  look(value);
  return last;
}

describe.each(NAMES)('%s of the scripted provider', (name) => {
  it('tells scripted usage in its own words', async () => {
    provider.script = TOKENS;
    const plain = await call(name);
    expect(plain.status).toBe(200);
    expect(usageIn(await plain.json())).toMatchObject(USAGE[name]);
    expect(usageIn(await eventsOf(await call(name, { stream: true })))).toMatchObject(USAGE[name]);
  });

  it('can use exactly what it was bounded to', async () => {
    provider.script = { exactBound: 77 };
    const usage = JSON.stringify(usageIn(await (await call(name)).json()));
    expect(usage).toContain('77');
    expect(usage).toContain('50');
  });

  it('can tell no usage', async () => {
    provider.script = { usage: 'none' };
    expect(usageIn(await (await call(name)).json())).toBeUndefined();
    expect(usageIn(await eventsOf(await call(name, { stream: true })))).toBeUndefined();
  });

  it('asks for a tool once, and answers when it has the result', async () => {
    provider.script = { toolCalls: [TOOL] };
    const asked = await (await call(name)).text();
    expect(asked).toContain('"search"');
    expect(asked).toMatch(/budget/);
    const streamed = JSON.stringify(await eventsOf(await call(name, { stream: true })));
    expect(streamed).toContain('"search"');
    const after = [...ASK, { role: 'assistant', content: 'asked' }, { role: 'user', content: 'result' }];
    const key = name === 'gemini' ? 'contents' : name === 'responses' ? 'input' : 'messages';
    expect(await (await call(name, { body: { [key]: after } })).text()).not.toContain('"search"');
  });

  it('refuses a call without a key', async () => {
    const headers = name === 'messages' ? { 'anthropic-version': '2023-06-01' } : {};
    const refused = await call(name, { headers });
    expect(refused.status).toBe(name === 'gemini' || name === 'converse' || name === 'invoke' ? 403 : 401);
    expect(provider.requests).toHaveLength(1);
  });

  it('answers errors of a script in its own envelope', async () => {
    provider.script = { status: 429, message: 'slow down', headers: { 'retry-after': '2' } };
    const refused = await call(name);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('2');
    const body = JSON.stringify(await refused.json());
    expect(body).toContain('slow down');
    const mark = {
      chat: 'rate_limit_exceeded',
      responses: 'rate_limit_exceeded',
      messages: 'rate_limit_error',
      gemini: 'RESOURCE_EXHAUSTED',
    }[name as string];
    if (mark === undefined) expect(refused.headers.get('x-amzn-errortype')).toBe('ThrottlingException');
    else expect(body).toContain(mark);
  });

  it('breaks a stream after as many events as the script says', async () => {
    provider.script = { breakAfterEvent: 2 };
    const response = await call(name, { stream: true });
    let received = '';
    const read = async () => {
      for await (const chunk of response.body ?? []) received += Buffer.from(chunk).toString('latin1');
    };
    await expect(read()).rejects.toThrow();
    const boundary = /vnd/.test(response.headers.get('content-type') ?? '') ? /:message-type/g : /\n\r?\n/g;
    expect(received.match(boundary)).toHaveLength(2);
    expect(provider.requests[0]?.end).toBe('broken');
  });

  it('breaks an answer in its middle', async () => {
    provider.script = { breakAfterEvent: 1 };
    const response = await call(name);
    await expect(response.text()).rejects.toThrow();
  });

  it('tells of an error in the middle of a stream', async () => {
    provider.script = { errorAfterEvent: 2, message: 'it broke' };
    const events = await eventsOf(await call(name, { stream: true }));
    expect(events).toHaveLength(3);
    expect(JSON.stringify(events[2])).toContain('it broke');
  });

  it('notices a client that goes away', async () => {
    provider.script = { silentAfterEvent: 1 };
    const response = await call(name, { stream: true });
    await response.body?.cancel();
    await expect.poll(() => provider.requests[0]?.end).toBe('client_gone');
  });

  it('answers what nobody can read', async () => {
    provider.script = { garbage: true };
    await expect((await call(name)).json()).rejects.toThrow();
  });

  it('cuts a text at the ceiling, and says so', async () => {
    provider.script = { outputTokens: 400 };
    const body = await (await call(name)).text();
    expect(body).toMatch(/"(length|max_output_tokens|max_tokens|MAX_TOKENS)"/);
    expect(JSON.stringify(usageIn(JSON.parse(body)))).toContain(':50');
  });
});

describe('the scripts', () => {
  it('come one after the other from a queue, before all others', async () => {
    provider.enqueue({ text: 'first' }, { text: 'second' });
    provider.script = { text: 'third' };
    for (const text of ['first', 'second', 'third']) expect(await (await call('chat')).text()).toContain(text);
  });

  it('can stand in the prompt', async () => {
    const messages = [{ role: 'user', content: 'Do this.\n#wflo {"text":"from the prompt"}\nNow.' }];
    expect(await (await call('chat', { body: { messages } })).text()).toContain('from the prompt');
  });

  it('can hold one script for each turn', async () => {
    provider.script = { turns: [{ text: 'one' }, { text: 'two' }] };
    const second = [...ASK, { role: 'assistant', content: 'one' }, ...ASK];
    expect(await (await call('chat')).text()).toContain('"one"');
    expect(await (await call('chat', { body: { messages: second } })).text()).toContain('"two"');
  });

  it('come over HTTP too, and a misspelt one is refused', async () => {
    const post = (script: unknown) =>
      fetch(`${provider.url}/_script`, { method: 'POST', body: JSON.stringify(script) }).then(({ status }) => status);
    expect(await post({ text: 'over HTTP' })).toBe(200);
    expect(await (await call('chat')).text()).toContain('over HTTP');
    expect(await post({ txt: 'no' })).toBe(500);
    const seen = await (await fetch(`${provider.url}/_requests`)).json();
    expect(seen).toMatchObject({ requests: [{ format: 'openai-chat', end: 'sent' }] });
  });

  it('answer chat without a usage chunk that was not asked for', async () => {
    provider.script = TOKENS;
    const events = await eventsOf(await call('chat', { stream: true, body: { stream_options: undefined } }));
    expect(usageIn(events)).toBeUndefined();
  });

  it('answer as many choices as are asked for', async () => {
    provider.script = { exactBound: 9 };
    const body = (await (await call('chat', { body: { n: 3 } })).json()) as { choices: unknown[] };
    expect(body.choices).toHaveLength(3);
    expect(usageIn(body)).toMatchObject({ prompt_tokens: 9, completion_tokens: 150 });
  });
});

describe('the other routes', () => {
  const post = (path: string, headers: Record<string, string>, body: object) =>
    fetch(`${provider.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) }).then((r) => r.json());

  it('embed texts and count tokens', async () => {
    provider.script = { inputTokens: 11 };
    const { chat, messages, gemini, converse } = APIS;
    const embedded = await post('/v1/embeddings', chat.headers, { model: 'e', input: ['a', 'b'] });
    expect(embedded).toMatchObject({
      data: [{ index: 0 }, { index: 1 }],
      usage: { prompt_tokens: 11, total_tokens: 11 },
    });
    expect(await post('/v1/messages/count_tokens', messages.headers, messages.body)).toEqual({ input_tokens: 11 });
    expect(await post('/v1beta/models/m:countTokens', gemini.headers, {})).toMatchObject({ totalTokens: 11 });
    expect(await post('/model/m/count-tokens', converse.headers, {})).toEqual({ inputTokens: 11 });
  });

  it('list models', async () => {
    const list = (headers: Record<string, string>) =>
      fetch(`${provider.url}/v1/models`, { headers }).then((response) => response.json());
    expect(await list(APIS.chat.headers)).toMatchObject({ object: 'list' });
    expect(await list(APIS.messages.headers)).toMatchObject({ has_more: false });
  });

  it('do not exist', async () => {
    expect((await fetch(`${provider.url}/v1/audio`, { method: 'POST' })).status).toBe(404);
  });
});

describe('usage reports', () => {
  const admin = { authorization: 'Bearer admin', 'x-api-key': 'admin', 'anthropic-version': '2023-06-01' };
  const report = async (path: string, headers: Record<string, string> = admin) => {
    const response = await fetch(`${provider.url}${path}`, { headers });
    return { status: response.status, body: (await response.json()) as { [name: string]: never } };
  };
  const HOUR = 3_600_000;
  const NOON = Date.parse('2026-01-10T12:00:00.000Z');
  const tokens = { input: 100, cacheRead: 20, cacheWrite: 5, cacheWrite1h: 0, uncached: 75, output: 7, reasoning: 0 };
  const OPENAI = `/v1/organization/usage/completions?start_time=${NOON / 1000}&end_time=${NOON / 1000 + 7200}&bucket_width=1h`;
  const ANTHROPIC =
    '/v1/organizations/usage_report/messages?starting_at=2026-01-10T12:00:00Z&ending_at=2026-01-10T14:00:00Z&bucket_width=1h';

  it('have what calls used, by the hour and by what is asked for, page after page', async () => {
    provider.uses.push({ list: 'completions', model: 'gpt-4o', at: NOON, tokens });
    provider.uses.push({ list: 'completions', model: 'o1', at: NOON + HOUR - 1, tokens });
    provider.uses.push({ list: 'completions', model: 'o1', at: NOON + HOUR, tokens });
    provider.uses.push({ list: 'messages', model: 'claude-sonnet-4-5', at: NOON, tokens });
    const whole = await report(`${OPENAI}&limit=1`);
    expect(whole.body).toMatchObject({
      object: 'page',
      data: [
        {
          start_time: NOON / 1000,
          end_time: NOON / 1000 + 3600,
          results: [
            { input_tokens: 200, input_cached_tokens: 40, output_tokens: 14, num_model_requests: 2, model: null },
          ],
        },
      ],
      has_more: true,
    });
    const next = await report(`${OPENAI}&limit=1&group_by=model&page=${whole.body.next_page}`);
    expect(next.body).toMatchObject({
      data: [{ results: [{ input_tokens: 100, model: 'o1', service_tier: null }] }],
      has_more: false,
      next_page: null,
    });
    expect((await report(`${OPENAI}&project_ids=proj_other`)).body).toMatchObject({
      data: [{ results: [] }, { results: [] }],
    });
    expect((await report(`${ANTHROPIC}&group_by[]=model&group_by[]=service_tier`)).body).toMatchObject({
      data: [
        {
          starting_at: '2026-01-10T12:00:00Z',
          results: [
            {
              uncached_input_tokens: 75,
              cache_read_input_tokens: 20,
              cache_creation: { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 0 },
              output_tokens: 7,
              model: 'claude-sonnet-4-5',
              service_tier: 'standard',
              inference_geo: null,
            },
          ],
        },
        { results: [] },
      ],
    });
  });

  it('have the calls that broke off, at the time of the provider', async () => {
    provider.now = () => new Date(NOON);
    provider.enqueue({ inputTokens: 11, outputTokens: 5, breakAfterEvent: 1 });
    const { path, headers, body, stream } = APIS.chat;
    const broken = await fetch(`${provider.url}${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ ...body, ...stream }),
    });
    await broken.arrayBuffer().catch(() => undefined);
    expect((await report(OPENAI)).body).toMatchObject({
      data: [{ results: [{ input_tokens: 11, output_tokens: 5 }] }, { results: [] }],
    });
  });

  it.each([
    ['no time', '/v1/organization/usage/completions', 400],
    ['a parameter that there is not', `${OPENAI}&groupby=model`, 400],
    ['a group that there is not', `${OPENAI}&group_by=colour`, 400],
    ['more buckets than there are', `${OPENAI}&limit=169`, 400],
    ['a list that there is not', '/v1/organization/usage/poems?start_time=1', 404],
  ])('are refused for %s', async (_name, path, status) => {
    provider.uses.push({ list: 'completions', model: 'gpt-4o', at: NOON, tokens });
    expect((await report(path)).status).toBe(status);
  });

  it('are refused without a key', async () => {
    expect((await report(OPENAI, {})).status).toBe(401);
    expect((await report(ANTHROPIC, { 'anthropic-version': '2023-06-01' })).status).toBe(401);
  });
});
