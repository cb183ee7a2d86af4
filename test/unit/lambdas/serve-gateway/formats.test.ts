import { Sha256 } from '@aws-crypto/sha256-js';
import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { costOf } from '../../../../lib/budget/cost.ts';
import { nanoUsd, usd } from '../../../../lib/budget/money.ts';
import { lookupOf } from '../../../../lib/budget/prices/lookup.ts';
import type { Usage } from '../../../../lib/budget/usage.ts';
import type { JsonObject } from '../../../../lib/json.ts';
import { formatSessionToken } from '../../../../lib/sandbox/session-token.ts';
import { type ProviderCall, providerCalls } from '../../../_helpers/provider-calls.ts';
import { TEST_CREDENTIALS, TEST_REGION } from '../../../_helpers/provider-keys-at.ts';
import type { Script } from '../../../_helpers/scripted-provider/script.ts';
import { type RecordedRequest, ScriptedProvider } from '../../../_helpers/scripted-provider/scripted-provider.ts';
import { type ServedGateway, servedGateway } from '../../../_helpers/served-gateway.ts';
import { testPrices } from '../../../_helpers/test-prices.ts';

/** Every wire format over real sockets: the published shapes of the scripted provider on one side, fetch on the other. */

// Some of these make dozens of calls.
vi.setConfig({ testTimeout: 30_000 });

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function world(options: Parameters<typeof servedGateway>[0] = {}): Promise<ServedGateway> {
  const served = await servedGateway({ budget: { limit: usd(10) }, ...options });
  closing.push(served.close);
  return served;
}

// Longer than what the provider says it read: the bound is of bytes.
const PROMPT = 'What is a word, and what are words made of? '.repeat(10);
const CALLS = providerCalls(PROMPT, 100, 'gpt-5.6-luna');
const NAMED = CALLS.map((call) => [call.name, call] as const);
const callNamed = (name: string): ProviderCall => {
  const found = CALLS.find((call) => call.name === name);
  if (found === undefined) throw new Error(`there is no call ${name}`);
  return found;
};
const CHAT = callNamed('openai-chat of gpt-5.6-luna');

const TOOLS: Script = {
  text: 'Let me look that up: 学生 🎓.',
  toolCalls: [{ name: 'look_up', arguments: { word: 'naïve' } }],
  inputTokens: 200,
  cacheReadTokens: 60,
  outputTokens: 90,
};

/** What the script uses, in the words of the price book: written here for each provider, not read by its code. */
function used({ format, model }: ProviderCall): { readonly script: Script; readonly usage: Usage } {
  const output = 90;
  if (format === 'openai-embeddings') return { script: { inputTokens: 50 }, usage: { tokens: { input: 50 } } };
  if (format === 'openai-chat' || format === 'openai-responses') {
    const script = { ...TOOLS, cacheWriteTokens: 30, reasoningTokens: 20 };
    return { script, usage: { tokens: { input: 110, cacheRead: 60, cacheWrite30m: 30, output } } };
  }
  if (format === 'gemini-generate') {
    return { script: { ...TOOLS, reasoningTokens: 20 }, usage: { tokens: { input: 140, cacheRead: 60, output } } };
  }
  if (model.startsWith('amazon.')) return { script: TOOLS, usage: { tokens: { input: 140, cacheRead: 60, output } } };
  const script = { ...TOOLS, cacheWriteTokens: 20, cacheWrite1hTokens: 10 };
  return { script, usage: { tokens: { input: 110, cacheRead: 60, cacheWrite5m: 20, cacheWrite1h: 10, output } } };
}

const prices = lookupOf(testPrices());
function costOfUsage(usage: Usage, { provider, model }: ProviderCall) {
  const price = prices(provider, model);
  if (price === undefined) throw new Error(`${model} has no price`);
  return costOf(usage, price);
}

/** The same request to a provider that has answered nothing before: what it says, byte by byte. */
async function bareAnswer({ path, headers, body }: RecordedRequest, script: Script): Promise<Buffer> {
  const bare = await ScriptedProvider.start();
  closing.push(() => bare.stop());
  bare.script = script;
  const { authorization, ...rest } = headers;
  const kept = Object.entries({ ...rest, authorization }).filter(
    ([name]) => !['host', 'connection', 'content-length', 'transfer-encoding'].includes(name),
  );
  const response = await fetch(`${bare.url}${path}`, {
    method: 'POST',
    headers: kept.map(([name, value]): [string, string] => [name, String(value)]),
    body,
  });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

function requestTo({ provider }: ServedGateway): RecordedRequest {
  const [request, ...more] = provider.requests;
  if (request === undefined) throw new Error('nothing reached the provider');
  expect(more).toEqual([]);
  return request;
}

describe('what a provider answers with tool calls and cached tokens', () => {
  it.each(NAMED)('%s: passes byte by byte and costs exactly what was used', async (_name, call) => {
    const one = await world();
    const { script, usage } = used(call);
    one.provider.script = script;
    const asked =
      call.format === 'openai-chat' && call.stream
        ? { ...call, body: { ...call.body, stream_options: { include_usage: true } } }
        : call;
    const response = await one.ask(asked);
    expect(response.status).toBe(200);
    const answer = Buffer.from(await response.arrayBuffer());
    const request = requestTo(one);
    expect(answer).toEqual(await bareAnswer(request, script));
    const cost = costOfUsage(usage, call);
    expect([await one.spent(), await one.held()]).toEqual([cost, 0]);
    expect(await one.entries()).toMatchObject([
      { holdId: response.headers.get('x-wflo-call'), source: 'reported', usage: { tokens: usage.tokens }, cost },
    ]);
    expect(request.headers.authorization ?? '').not.toContain(one.token);
    expect(Object.keys(request.headers).filter((name) => name.startsWith('x-wflo'))).toEqual([]);
  });

  it('is without the usage that only the gateway asked for', async () => {
    const one = await world();
    const call = callNamed('openai-chat of gpt-5.6-luna, streamed');
    one.provider.script = used(call).script;
    const text = await (await one.ask(call)).text();
    const bare = (await bareAnswer(requestTo(one), used(call).script)).toString();
    expect(bare).toContain('"choices":[],');
    expect(text).toBe(
      bare
        .split('\n\n')
        .filter((event) => !event.includes('"choices":[],'))
        .join('\n\n'),
    );
    expect(await one.spent()).toBe(costOfUsage(used(call).usage, call));
  });

  it.each([
    [
      'Anthropic',
      'anthropic-messages of claude-sonnet-4-5',
      '/models/anthropic/v1/messages/count_tokens',
      ['max_tokens', 'stream'],
    ],
    [
      'Gemini',
      'gemini-generate of gemini-2.5-flash',
      '/models/gemini/v1beta/models/gemini-2.5-flash:countTokens',
      ['generationConfig', 'tools'],
    ],
  ] as const)('is counted for nothing by %s', async (_name, name, path, without) => {
    const one = await world({ budget: { limit: nanoUsd(0) } });
    one.provider.script = { inputTokens: 123 };
    const call = callNamed(name);
    const body = Object.fromEntries(
      Object.entries(call.body).filter(([field]) => !without.some((each) => each === field)),
    );
    const response = await one.ask({ ...call, path, body });
    expect([response.status, await response.json()]).toMatchObject([200, {}]);
    expect(one.provider.requests).toHaveLength(1);
    expect([await one.spent(), await one.held(), await one.holds()]).toEqual([0, 0, []]);
  });
});

describe('a client that goes away', () => {
  it.each(NAMED.filter(([, { stream }]) => stream))(
    '%s: at whichever event, costs what it costs',
    async (_name, call) => {
      const one = await world();
      const { script, usage } = used(call);
      one.provider.script = { ...script, delayMs: 2 };
      const cost = costOfUsage(usage, call);
      let calls = 0;
      for (let ended = false; !ended; ) {
        const leaving = new AbortController();
        const response = await one.ask(call, {}, undefined, leaving.signal);
        const reader = response.body?.getReader();
        for (let event = 0; event < calls && !ended; event++) ended = (await reader?.read())?.done !== false;
        leaving.abort();
        calls += 1;
        await one.served.idle();
        expect([await one.spent(), await one.held()]).toEqual([cost * calls, 0]);
      }
      // Events that come together are read together.
      expect(calls).toBeGreaterThan(3);
      expect(one.counted).toContain('ClientGone');
      expect(one.provider.requests.map(({ end }) => end)).toEqual(Array.from({ length: calls }, () => 'sent'));
    },
  );
});

describe('calls of Bedrock', () => {
  it.each(NAMED.filter(([, { provider }]) => provider === 'bedrock'))(
    '%s: are signed as they arrive',
    async (_n, call) => {
      const one = await world();
      await (await one.ask(call)).arrayBuffer();
      const { method, path, headers, body } = requestTo(one);
      const [, scope, names, signature] =
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/.exec(
          headers.authorization ?? '',
        ) ?? [];
      const date = String(headers['x-amz-date']);
      expect(scope).toBe(`${date.slice(0, 8)}/${TEST_REGION}/bedrock/aws4_request`);
      const signed = (names ?? '').split(';');
      for (const name of ['host', 'x-amz-date', 'x-amz-security-token', 'content-type']) expect(signed).toContain(name);
      const signer = new SignatureV4({
        service: 'bedrock',
        region: TEST_REGION,
        credentials: TEST_CREDENTIALS,
        sha256: Sha256,
      });
      const url = new URL(path, one.provider.url);
      const again = await signer.sign(
        new HttpRequest({
          method,
          protocol: 'http:',
          hostname: url.hostname,
          port: Number(url.port),
          path: url.pathname,
          // What the signature says that it is of, as it came; the signer adds its own.
          headers: Object.fromEntries(
            signed
              .filter((name) => !['x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'].includes(name))
              .map((name) => [name, String(headers[name])]),
          ),
          body,
        }),
        { signingDate: new Date(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')) },
      );
      expect(again.headers.authorization).toContain(`Signature=${signature}`);
    },
  );
});

describe('a call that does not fit', () => {
  it.each(NAMED)('%s: is refused in the words of its provider', async (_name, call) => {
    const one = await world({ budget: { limit: nanoUsd(1) } });
    const response = await one.ask(call);
    expect(response.status).toBe(402);
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(response.headers.get('x-wflo-error')).toBe('budget_exhausted');
    expect(response.headers.get('content-type')).toContain('application/json');
    const body = (await response.json()) as JsonObject;
    const budget = { limit: expect.anything(), spent: expect.anything(), held: expect.anything() };
    const expected = {
      openai: { error: { type: 'insufficient_quota', code: 'budget_exhausted', budget } },
      anthropic: {
        type: 'error',
        error: { type: 'billing_error', details: { error_code: 'budget_exhausted', budget } },
      },
      gemini: { error: { code: 402, status: 'RESOURCE_EXHAUSTED', details: [{ reason: 'BUDGET_EXHAUSTED' }] } },
      bedrock: { message: expect.any(String), wfloError: 'budget_exhausted', budget },
    }[call.provider];
    expect(body).toMatchObject(expected);
    if (call.provider === 'bedrock') {
      expect(response.headers.get('x-amzn-errortype')).toBe('ServiceQuotaExceededException');
    }
    expect(one.provider.requests).toEqual([]);
    expect(await one.holds()).toEqual([]);
  });
});

describe('bad input is refused before anything is called', () => {
  const refusedOf = async (one: ServedGateway, response: Response) => {
    const body: unknown = await response.json();
    expect(one.provider.requests).toEqual([]);
    expect(await one.holds()).toEqual([]);
    return { status: response.status, code: response.headers.get('x-wflo-error'), body };
  };

  it.each(NAMED)('%s', async (_name, call) => {
    const one = await world();
    const bytes = (text: string) => new TextEncoder().encode(text);
    const valid = JSON.stringify(call.body);
    const elsewhere = formatSessionToken({ executionId: 'report:two', path: 'write', attempt: 1 }, 's'.repeat(43));
    const unknown = call.path.replace(encodeURIComponent(call.model), 'made-up-1');
    const cases: readonly (readonly [Promise<Response>, number, string])[] = [
      [
        one.ask({
          ...call,
          path: unknown,
          body: { ...call.body, ...(call.body.model === undefined ? {} : { model: 'made-up-1' }) },
        }),
        404,
        'unknown_model',
      ],
      [one.ask(call, {}, bytes(valid.slice(0, -1))), 400, 'malformed_json'],
      [one.ask(call, {}, bytes('[]')), 400, 'malformed_json'],
      [one.ask(call, {}, new Uint8Array()), 400, 'malformed_json'],
      [
        one.ask(
          call,
          {},
          Buffer.concat([bytes(valid.slice(0, -2)), Buffer.from([0xff, 0xfe]), bytes(valid.slice(-2))]),
        ),
        400,
        'malformed_json',
      ],
      [one.ask(call, {}, bytes(`${valid.slice(0, -1)},"${Object.keys(call.body)[0]}":1}`)), 400, 'malformed_json'],
      [one.ask({ ...call, body: { ...call.body, made_up: true } }), 400, 'unpriced_feature'],
      [one.ask(call, { headers: { authorization: `Bearer ${elsewhere}` } }), 401, 'invalid_session'],
      [one.ask(call, { headers: { 'x-wflo-epoch': '2' } }), 409, 'stale_epoch'],
      [one.ask(call, { path: `${call.path}${call.path.includes('?') ? '&' : '?'}made=up` }), 400, 'unpriced_feature'],
    ];
    for (const [asking, status, code] of cases) {
      expect(await refusedOf(one, await asking)).toMatchObject({ status, code });
    }
  });

  it.each(NAMED)('%s of 6 MB', async (_name, call) => {
    const one = await world();
    const refused = await refusedOf(one, await one.ask(call, {}, new Uint8Array(6 * 1024 * 1024)));
    expect(refused).toMatchObject({ status: 413, code: 'payload_too_large' });
  });

  it.each(NAMED.filter(([, { format }]) => format !== 'openai-embeddings'))(
    '%s without a ceiling gets one, and is told of it',
    async (_name, call) => {
      const one = await world();
      const body = Object.fromEntries(
        Object.entries(call.body).filter(
          ([name]) =>
            ![
              'max_tokens',
              'max_completion_tokens',
              'max_output_tokens',
              'generationConfig',
              'inferenceConfig',
            ].includes(name),
        ),
      );
      const response = await one.ask({ ...call, body });
      expect(response.status).toBe(200);
      await response.arrayBuffer();
      const ceiling = Number(response.headers.get('x-wflo-max-output-tokens'));
      expect(ceiling).toBeGreaterThan(0);
      const sent = requestTo(one).body;
      expect(sent).toMatch(
        new RegExp(`"(max_tokens|max_completion_tokens|max_output_tokens|maxOutputTokens|maxTokens)":${ceiling}\\b`),
      );
    },
  );

  const message = (content: unknown) => [{ role: 'user', content }];
  it.each([
    ['100,000 choices', CHAT, { n: 100_000 }],
    ['a priority tier', CHAT, { service_tier: 'priority' }],
    [
      '100,000 candidates',
      callNamed('gemini-generate of gemini-2.5-flash'),
      { generationConfig: { candidateCount: 100_000 } },
    ],
    ['a response from before', callNamed('openai-responses of gpt-5.6-luna'), { previous_response_id: 'resp_1' }],
    ['a conversation', callNamed('openai-responses of gpt-5.6-luna'), { conversation: 'conv_1' }],
    ['an answer in the background', callNamed('openai-responses of gpt-5.6-luna'), { background: true }],
    [
      'a web search without a limit',
      callNamed('openai-responses of gpt-5.6-luna'),
      { tools: [{ type: 'web_search' }] },
    ],
    [
      'a web search without a limit, of Claude',
      callNamed('anthropic-messages of claude-sonnet-4-5'),
      { tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
    ],
    ['a fast answer', callNamed('anthropic-messages of claude-sonnet-4-5'), { speed: 'fast' }],
    [
      'a document at a URL',
      callNamed('anthropic-messages of claude-sonnet-4-5'),
      { messages: message([{ type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } }]) },
    ],
    ['a search of Google', callNamed('gemini-generate of gemini-2.5-flash'), { tools: [{ googleSearch: {} }] }],
    [
      'a guardrail',
      callNamed('bedrock-converse of amazon.nova-lite-v1:0'),
      { guardrailConfig: { guardrailIdentifier: 'a' } },
    ],
    [
      'a document in a bucket',
      callNamed('bedrock-converse of amazon.nova-lite-v1:0'),
      { messages: message([{ document: { format: 'pdf', name: 'a', source: { s3Location: { uri: 's3://a/b' } } } }]) },
    ],
  ] as const)('%s', async (_name, call, change) => {
    const one = await world();
    const refused = await refusedOf(one, await one.ask({ ...call, body: { ...call.body, ...(change as JsonObject) } }));
    expect(refused.status).toBe(400);
    expect(['unpriced_feature', 'invalid_request']).toContain(refused.code);
  });

  it('a beta without a price', async () => {
    const one = await world();
    const call = callNamed('anthropic-messages of claude-sonnet-4-5');
    const refused = await refusedOf(one, await one.ask(call, { headers: { 'anthropic-beta': 'made-up-2026-01-01' } }));
    expect(refused).toMatchObject({ status: 400, code: 'unpriced_feature' });
  });

  it.each(NAMED)('%s: 18 KB of joined emoji are bounded in less than 100 ms', async (_name, call) => {
    const one = await world({ budget: { limit: nanoUsd(1) } });
    const bomb = '👩‍👩‍👧‍👦'.repeat(720);
    const body = JSON.stringify(call.body).replaceAll(PROMPT, bomb);
    // The code is warm, and the best of several is not that of a busy machine: what is measured is the text.
    await (await one.ask(call)).text();
    const took: number[] = [];
    for (let time = 0; time < 3; time++) {
      const before = performance.now();
      expect((await one.ask(call, {}, new TextEncoder().encode(body))).status).toBe(402);
      took.push(performance.now() - before);
    }
    expect(Math.min(...took)).toBeLessThan(100);
  });
});

describe('what a provider does wrong', () => {
  it.each(NAMED)('%s: nothing is lost, and nothing is paid that was not used', async (_name, call) => {
    for (const status of [500, 429] as const) {
      const one = await world();
      one.provider.script = { status, headers: { 'retry-after': '3' } };
      const response = await one.ask(call);
      await response.arrayBuffer();
      expect([response.status, response.headers.get('retry-after')]).toEqual([status, '3']);
      expect(one.provider.requests).toHaveLength(1);
      expect([await one.spent(), await one.held(), await one.holds()]).toEqual([0, 0, []]);
    }
    for (const script of [{ garbage: true }, { usage: 'wrong' }, { usage: 'none' }] as const) {
      const one = await world();
      one.provider.script = script;
      const response = await one.ask(call);
      await response.arrayBuffer().catch(() => undefined);
      await one.served.idle();
      const [hold] = await one.holds();
      const [entry] = await one.entries();
      // Where all output is seen, its bytes bound it; where some may be hidden, all of the hold stays.
      if (entry === undefined) expect([script, hold?.state]).toEqual([script, 'unsettled']);
      else
        expect([script, entry.source, entry.cost > 0, entry.cost <= entry.held]).toEqual([
          script,
          'estimated',
          true,
          true,
        ]);
      expect((await one.spent()) + (await one.held())).toBeGreaterThan(0);
    }
  });

  it.each(NAMED)('%s: what breaks off is not taken for whole', async (_name, call) => {
    const one = await world();
    one.provider.script = { breakAfterEvent: 1, outputTokens: 50 };
    const response = await one.ask(call);
    await expect(response.arrayBuffer()).rejects.toThrow();
    await one.served.idle();
    const [hold] = await one.holds();
    const [entry] = await one.entries();
    if (entry === undefined) expect(hold?.state).toBe('unsettled');
    else expect([entry.source, entry.cost > 0, entry.cost <= entry.held]).toEqual(['estimated', true, true]);
  });
});
