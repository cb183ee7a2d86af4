import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../../lib/json.ts';
import { bedrockInvoke } from '../../../../lib/model-calls/bedrock/invoke.ts';
import {
  type Answer,
  CLAUDE_ON_BEDROCK,
  chunkOf,
  cuts,
  fixture,
  framed,
  lookup,
  meterOf,
  NOVA,
  refusalOf,
  request,
} from '../../../_fixtures/model-calls/claude-samples.ts';

const BASE: JsonObject = {
  anthropic_version: 'bedrock-2023-05-31',
  max_tokens: 1000,
  messages: [{ role: 'user', content: 'Hello' }],
};
const asked = (body: Json, operation = 'invoke', headers: Record<string, string> = {}, model = CLAUDE_ON_BEDROCK) =>
  request(`/model/${model}/${operation}`, body, headers);
const parse = (...args: Parameters<typeof asked>) => bedrockInvoke.parse(asked(...args), lookup);
const refused = (...args: Parameters<typeof asked>) => refusalOf(bedrockInvoke, asked(...args));

describe('a call of Claude', () => {
  it('is bounded as on its own API, and goes out as it came', () => {
    const call = parse({ ...BASE, anthropic_beta: ['interleaved-thinking-2025-05-14'] }, 'invoke-with-response-stream');
    expect(call.bound).toMatchObject({ inputTokens: 5 + 512 + 32, outputTokens: 1000 });
    expect(call).toMatchObject({ format: 'bedrock-invoke', provider: 'bedrock', stream: true, notes: {} });
    expect(call.upstream.path).toBe(
      '/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream',
    );
    const { max_tokens: _, ...without } = BASE;
    const set = parse(without);
    expect(JSON.parse(new TextDecoder().decode(set.upstream.body)).max_tokens).toBe(64_000);
    expect(set.notes).toEqual({ 'x-wflo-max-output-tokens': '64000' });
  });

  it('takes neither credentials nor what Bedrock would do beside', () => {
    const headers = {
      authorization: 'AWS4-HMAC-SHA256',
      'x-amzn-bedrock-trace': 'ENABLED',
      'x-amzn-bedrock-service-tier': 'default',
      accept: 'application/json',
    };
    expect(parse(BASE, 'invoke', headers).upstream.headers).toEqual({
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      accept: 'application/json',
    });
  });

  it.each<[string, JsonObject, Record<string, string>, string]>([
    ['the priority tier', BASE, { 'x-amzn-bedrock-service-tier': 'priority' }, 'unpriced_feature'],
    ['optimised latency', BASE, { 'x-amzn-bedrock-performanceconfig-latency': 'optimized' }, 'unpriced_feature'],
    ['a guardrail', BASE, { 'x-amzn-bedrock-guardrailidentifier': 'g' }, 'unpriced_feature'],
    ['an unknown beta', { ...BASE, anthropic_beta: ['context-1m-2025-08-07'] }, {}, 'unpriced_feature'],
    ['a field of another surface', { ...BASE, stream: true }, {}, 'unpriced_feature'],
    [
      'web search',
      { ...BASE, tools: [{ type: 'web_search_20250305', name: 'w', max_uses: 1 }] },
      {},
      'unpriced_feature',
    ],
    ['no version', { max_tokens: 1, messages: [] }, {}, 'invalid_request'],
    ['too many tokens', { ...BASE, max_tokens: 64_001 }, {}, 'invalid_request'],
  ])('is refused with %s', (_, body, headers, code) => {
    expect(refused(body, 'invoke', headers).code).toBe(code);
  });
});

it('is refused for every other family, with what to use instead', () => {
  expect(refused({ inputText: 'a' }, 'invoke', {}, NOVA)).toMatchObject({
    code: 'unpriced_feature',
    fix: 'use converse',
  });
  expect(refused(BASE, 'invoke', {}, 'amazon.titan-embed-text-v2:0').code).toBe('unknown_model');
});

describe('a JSON answer', () => {
  const body = fixture('anthropic/message.json');
  const metered = (how: Answer = {}) => meterOf(parse(BASE), [body], how);
  const COUNTS = { 'x-amzn-bedrock-input-token-count': '2095', 'x-amzn-bedrock-output-token-count': '503' };

  it('is read as that of Claude, and must say what the headers say', () => {
    const tokens = { input: 2095, cacheRead: 2051, cacheWrite5m: 456, cacheWrite1h: 100, output: 503 };
    expect(metered({ headers: COUNTS })).toMatchObject({ kind: 'reported', usage: { tokens } });
    expect(metered()).toMatchObject({ kind: 'reported' });
    for (const count of ['504', '', 'x', '-1']) {
      const headers = { ...COUNTS, 'x-amzn-bedrock-output-token-count': count };
      expect(metered({ headers }).kind).toBe('unknown');
    }
    expect(metered({ headers: { ...COUNTS, 'x-amzn-bedrock-input-token-count': '1' } }).kind).toBe('unknown');
  });

  it('is unknown at another price, cut off or as garbage', () => {
    expect(metered({ headers: { 'x-amzn-bedrock-service-tier': 'priority' } }).kind).toBe('unknown');
    expect(metered({ headers: { 'x-amzn-bedrock-performanceconfig-latency': 'optimized' } }).kind).toBe('unknown');
    expect(metered({ whole: false }).kind).toBe('unknown');
    expect(meterOf(parse(BASE), [Buffer.from('<html>')]).kind).toBe('unknown');
    expect(metered({ status: 429 })).toEqual({ kind: 'not_charged' });
    expect(metered({ status: 424 }).kind).toBe('unknown');
  });
});

describe('a streamed answer', () => {
  const events = JSON.parse(fixture('bedrock/invoke-stream.json').toString()) as JsonObject[];
  const frames = events.map(chunkOf);
  const call = (extra: JsonObject = {}) => parse({ ...BASE, ...extra }, 'invoke-with-response-stream');
  const metrics = (change: JsonObject) => {
    const last = events.at(-1) ?? {};
    const before = last['amazon-bedrock-invocationMetrics'] as JsonObject;
    return [...frames.slice(0, -1), chunkOf({ ...last, 'amazon-bedrock-invocationMetrics': { ...before, ...change } })];
  };

  it('is read the same wherever it is cut', () => {
    for (const chunks of cuts(Buffer.concat(frames))) {
      expect(meterOf(call(), chunks)).toMatchObject({
        kind: 'reported',
        usage: { tokens: { input: 7, cacheRead: 14_486, cacheWrite5m: 2238, output: 126 } },
      });
    }
  });

  it('must say what invocationMetrics says', () => {
    expect(meterOf(call(), metrics({ inputTokenCount: 7 + 14_486 + 2238 })).kind).toBe('reported');
    for (const name of [
      'inputTokenCount',
      'outputTokenCount',
      'cacheReadInputTokenCount',
      'cacheWriteInputTokenCount',
    ]) {
      expect(meterOf(call(), metrics({ [name]: 5 })).kind).toBe('unknown');
      expect(meterOf(call(), metrics({ [name]: 'x' })).kind).toBe('unknown');
    }
  });

  it('is never known, and never free, where it ends before message_stop', () => {
    for (let at = 0; at < frames.length; at++) {
      expect(meterOf(call(), frames.slice(0, at), { whole: at % 2 === 0 }).kind).toBe('unknown');
    }
  });

  it('is unknown where an exception ends it, and not charged where that is all', () => {
    const exception = framed('throttlingException', { message: 'no' }, 'exception');
    for (let at = 1; at <= frames.length; at++) {
      expect(meterOf(call(), [...frames.slice(0, at), exception]).kind).toBe('unknown');
    }
    const quiet = meterOf(call({ thinking: { type: 'disabled' } }), [...frames.slice(0, 3), exception]);
    expect(quiet).toMatchObject({ kind: 'unknown', atMost: { tokens: { input: 549 } } });
    expect(meterOf(call(), [exception])).toEqual({ kind: 'not_charged' });
    expect(meterOf(call(), [framed('modelTimeoutException', {}, 'exception')]).kind).toBe('unknown');
  });

  it('is unknown with a checksum that is wrong, or a chunk that cannot be read', () => {
    const wrong = Buffer.concat(frames);
    wrong[150] = (wrong[150] ?? 0) ^ 1;
    expect(meterOf(call(), [wrong]).kind).toBe('unknown');
    expect(meterOf(call(), [framed('chunk', { bytes: '!!' }), ...frames]).kind).toBe('unknown');
    expect(meterOf(call(), [framed('chunk', {}), ...frames]).kind).toBe('unknown');
  });
});

describe('the id of the hold', () => {
  it('is a header, in place of what the caller says there; the body is as it came', () => {
    const call = parse(BASE, 'invoke', { 'x-amzn-bedrock-request-metadata': '{"wflo-call":"hold-2"}' });
    const marked = call.marked?.('hold-1');
    expect(marked?.headers['x-amzn-bedrock-request-metadata']).toBe('{"wflo-call":"hold-1"}');
    expect(marked?.body).toBe(call.upstream.body);
    expect(call.upstream.headers).not.toHaveProperty('x-amzn-bedrock-request-metadata');
  });
});
