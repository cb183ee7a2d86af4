import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costOf, worstCaseOf } from '../../../../lib/budget/cost.ts';
import type { Json, JsonObject } from '../../../../lib/json.ts';
import { bedrockConverse } from '../../../../lib/model-calls/bedrock/converse.ts';
import {
  type Answer,
  CLAUDE_ON_BEDROCK,
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
  messages: [{ role: 'user', content: [{ text: 'Hello' }] }],
  inferenceConfig: { maxTokens: 1000, temperature: 0.5 },
};
const asked = (body: Json | Uint8Array, operation = 'converse', model = CLAUDE_ON_BEDROCK, headers = {}) =>
  request(`/model/${model}/${operation}`, body, headers);
const parse = (...args: Parameters<typeof asked>) => bedrockConverse.parse(asked(...args), lookup);
const refused = (...args: Parameters<typeof asked>) => refusalOf(bedrockConverse, asked(...args));
const blocks = (...content: Json[]): JsonObject => ({ ...BASE, messages: [{ role: 'user', content }] });
const sent = (call: ReturnType<typeof parse>) => JSON.parse(new TextDecoder().decode(call.upstream.body));
const bytes = (value: Json | string) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

const TEMPLATE = 512 + 32;
const BLOCK = 32;

describe('what is served', () => {
  it('is converse and its stream, of any model', () => {
    expect(bedrockConverse.serves('POST', '/model/a.b-v1:0/converse')).toBe(true);
    expect(
      bedrockConverse.serves('POST', '/model/arn:aws:bedrock:us-east-1:1:inference-profile/x/converse-stream'),
    ).toBe(true);
    expect(bedrockConverse.serves('GET', '/model/a/converse')).toBe(false);
    expect(bedrockConverse.serves('POST', '/model/a/invoke')).toBe(false);
    expect(bedrockConverse.serves('POST', '/model/a/count-tokens')).toBe(false);
    expect(bedrockConverse.serves('POST', '/model//converse')).toBe(false);
    expect(bedrockConverse.serves('POST', '/guardrail/a/version/1/apply')).toBe(false);
  });
});

describe('a call that can be paid for', () => {
  it('is bounded by its bytes and its maxTokens, and goes out as it came', () => {
    const body = new TextEncoder().encode(JSON.stringify(BASE));
    const call = parse(body, 'converse-stream');
    expect(call.bound).toEqual({
      inputTokens: 5 + BLOCK + TEMPLATE,
      inputClasses: ['input', 'cacheRead'],
      outputTokens: 1000,
      outputClasses: ['output'],
    });
    expect(call.boundWithOutput?.(5).outputTokens).toBe(5);
    expect(call.stream).toBe(true);
    expect(call.upstream.body).toBe(body);
    expect(call.upstream.path).toBe('/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream');
  });

  it('takes no credentials along', () => {
    const headers = {
      authorization: 'AWS4-HMAC-SHA256 Credential=…',
      'x-amz-security-token': 't',
      'x-amz-date': 'd',
      'amz-sdk-request': 'attempt=1',
      accept: 'application/json',
    };
    expect(parse(BASE, 'converse', CLAUDE_ON_BEDROCK, headers).upstream.headers).toEqual({
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      accept: 'application/json',
    });
  });

  it('gets the ceiling of the model where it names none, and says so', () => {
    for (const inferenceConfig of [undefined, null, {}, { maxTokens: null, topP: 1 }]) {
      const { inferenceConfig: _, ...rest } = BASE;
      const call = parse(inferenceConfig === undefined ? rest : { ...rest, inferenceConfig });
      expect(call.bound.outputTokens).toBe(64_000);
      expect(call.notes).toEqual({ 'x-wflo-max-output-tokens': '64000' });
      expect(sent(call).inferenceConfig).toEqual({ ...inferenceConfig, maxTokens: 64_000 });
    }
  });

  it('counts an image as its most, or as the window where nobody knows that', () => {
    const image = { image: { format: 'png', source: { bytes: 'A'.repeat(9999) } } };
    expect(parse(blocks(image)).bound.inputTokens).toBe(1_600 + BLOCK + TEMPLATE);
    expect(parse(blocks(image), 'converse', NOVA).bound.inputTokens).toBe(300_000);
  });

  it.each<[string, Json]>([
    ['a file', { document: { format: 'pdf', name: 'a', source: { bytes: 'JVBERi0=' } } }],
    ['a text with citations', { document: { name: 'a', source: { text: 'a. b.' }, citations: { enabled: true } } }],
  ])('counts %s as the window', (_, block) => {
    expect(parse(blocks(block)).bound.inputTokens).toBe(200_000);
  });

  it('counts earlier reasoning as much as a turn can be', () => {
    const reasoning = { reasoningContent: { reasoningText: { text: 'short', signature: 'abc' } } };
    expect(parse(blocks(reasoning)).bound.inputTokens).toBe(5 + 64_000 + 2 * BLOCK + TEMPLATE);
  });

  it.each<[string, JsonObject, string[]]>([
    ['five minutes', blocks({ text: 'a' }, { cachePoint: { type: 'default' } }), ['cacheWrite5m']],
    ['an hour', { ...BASE, system: [{ text: 'a' }, { cachePoint: { type: 'default', ttl: '1h' } }] }, ['cacheWrite1h']],
    ['tools', { ...BASE, toolConfig: { tools: [{ cachePoint: { type: 'default', ttl: '5m' } }] } }, ['cacheWrite5m']],
  ])('may write to the cache: %s', (_, body, classes) => {
    expect(new Set(parse(body).bound.inputClasses)).toEqual(new Set(['input', 'cacheRead', ...classes]));
  });

  it('takes what SDKs send beside', () => {
    const call = parse({
      ...BASE,
      system: [{ text: 's' }],
      toolConfig: {
        tools: [{ toolSpec: { name: 't', description: 'd', inputSchema: { json: { type: 'object' } } } }],
        toolChoice: { auto: {} },
      },
      additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 900 }, top_k: 5 },
      additionalModelResponseFieldPaths: ['/stop_sequence'],
      requestMetadata: { team: 'a' },
      performanceConfig: { latency: 'standard' },
      serviceTier: { type: 'default' },
      messages: [
        { role: 'user', content: [{ text: 'a' }] },
        { role: 'assistant', content: [{ toolUse: { toolUseId: 't', name: 'n', input: { a: 1 } } }] },
        {
          role: 'user',
          content: [
            { toolResult: { toolUseId: 't', content: [{ json: { b: 2 } }, { text: 'c' }], status: 'success' } },
          ],
        },
      ],
    });
    expect(call.bound.outputTokens).toBe(1000);
    expect(
      parse({ ...BASE, additionalModelRequestFields: { inferenceConfig: { topK: 5 } } }, 'converse', NOVA).stream,
    ).toBe(false);
  });

  it('may think up to the window where its budget is above maxTokens', () => {
    const additionalModelRequestFields = { thinking: { type: 'enabled', budget_tokens: 5000 } };
    const call = parse({ ...BASE, additionalModelRequestFields });
    expect(call.bound.outputTokens).toBe(200_000);
    expect(call.boundWithOutput).toBeUndefined();
  });
});

describe('what has no price', () => {
  it.each<[string, JsonObject]>([
    ['guardrailConfig', { guardrailConfig: { guardrailIdentifier: 'g', guardrailVersion: '1' } }],
    ['promptVariables', { promptVariables: { a: { text: 'b' } } }],
    ['serviceTier.type "priority"', { serviceTier: { type: 'priority' } }],
    ['serviceTier.type "flex"', { serviceTier: { type: 'flex' } }],
    ['performanceConfig.latency "optimized"', { performanceConfig: { latency: 'optimized' } }],
    ['additionalModelRequestFields.max_tokens', { additionalModelRequestFields: { max_tokens: 1e6 } }],
    ['additionalModelRequestFields.tools', { additionalModelRequestFields: { tools: [] } }],
    [
      'additionalModelRequestFields.inferenceConfig',
      { additionalModelRequestFields: { inferenceConfig: { topK: 1 } } },
    ],
    ['context-1m-2025-08-07', { additionalModelRequestFields: { anthropic_beta: ['context-1m-2025-08-07'] } }],
    ['systemTool', { toolConfig: { tools: [{ systemTool: { name: 'nova_grounding' } }] } }],
    ['inferenceConfig.somethingNew', { inferenceConfig: { somethingNew: 1 } }],
    ['guardContent', { system: [{ guardContent: { text: { text: 'a' } } }] }],
  ])('is refused by its name: %s', (name, extra) => {
    const refusal = refused({ ...BASE, ...extra });
    expect(refusal).toMatchObject({ code: 'unpriced_feature', status: 400 });
    expect(refusal.message).toContain(name);
  });

  it.each<[string, Json]>([
    ['video', { video: { format: 'mp4', source: { bytes: '' } } }],
    ['audio', { audio: { format: 'mp3', source: { bytes: '' } } }],
    ['s3Location', { image: { format: 'png', source: { s3Location: { uri: 's3://a/b' } } } }],
    ['s3Location', { document: { name: 'a', source: { s3Location: { uri: 's3://a/b' } } } }],
    ['guardContent', { guardContent: { text: { text: 'a' } } }],
    ['toolAddition', { toolAddition: { tool: { name: 'a' } } }],
    ['toolUse.type', { toolUse: { toolUseId: 'a', name: 'b', input: {}, type: 'server_tool_use' } }],
    ['constructor', { constructor: {} }],
    ['ttl "24h"', { cachePoint: { type: 'default', ttl: '24h' } }],
  ])('is refused in a block: %s', (name, block) => {
    const refusal = refused(blocks(block));
    expect(refusal.code).toBe('unpriced_feature');
    expect(refusal.message).toContain(name);
  });

  it('is refused where the model has no price for it', () => {
    expect(refused(blocks({ cachePoint: { type: 'default' } }), 'converse', NOVA).code).toBe('unpriced_feature');
    const fields = { ...BASE, additionalModelRequestFields: { inferenceConfig: { topK: 1, maxTokens: 99_999 } } };
    expect(refused(fields, 'converse', NOVA).message).toContain('inferenceConfig.maxTokens');
    const thinking = { ...BASE, additionalModelRequestFields: { thinking: { type: 'enabled' } } };
    expect(refused(thinking, 'converse', NOVA).code).toBe('unpriced_feature');
  });
});

describe('what is malformed', () => {
  it.each<[string, Json | Uint8Array, string, string]>([
    ['no JSON', bytes('{'), CLAUDE_ON_BEDROCK, 'malformed_json'],
    ['an unknown model', BASE, 'anthropic.claude-sonnet-4-5', 'unknown_model'],
    [
      'an inference profile that nobody has priced',
      BASE,
      'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc',
      'unknown_model',
    ],
    ['a model encoded twice', BASE, encodeURIComponent(CLAUDE_ON_BEDROCK), 'unknown_model'],
    [
      'maxTokens above the ceiling',
      { ...BASE, inferenceConfig: { maxTokens: 64_001 } },
      CLAUDE_ON_BEDROCK,
      'invalid_request',
    ],
    ['a block of two kinds', blocks({ text: 'a', image: {} }), CLAUDE_ON_BEDROCK, 'invalid_request'],
    ['a block of no kind', blocks({}), CLAUDE_ON_BEDROCK, 'invalid_request'],
    ['a content that is a text', { messages: [{ role: 'user', content: 'a' }] }, CLAUDE_ON_BEDROCK, 'invalid_request'],
  ])('is refused: %s', (_, body, model, code) => {
    expect(refused(body, 'converse', model).code).toBe(code);
  });
});

describe('a JSON answer', () => {
  const body = fixture('bedrock/converse.json');
  const metered = (answer: Json | Uint8Array, how: Answer = {}, extra: JsonObject = {}) =>
    meterOf(parse({ ...BASE, ...extra }), [answer instanceof Uint8Array ? answer : bytes(answer)], how);

  it('is read with its cache by time to live', () => {
    expect(metered(body)).toEqual({
      kind: 'reported',
      usage: { tokens: { input: 125, cacheRead: 1000, cacheWrite5m: 200, cacheWrite1h: 100, output: 60 } },
      raw: JSON.parse(body.toString()).usage,
    });
  });

  it('counts unsplit cache writes as the longest that was asked for', () => {
    const usage = { inputTokens: 1, outputTokens: 2, cacheWriteInputTokens: 7, totalTokens: 10 };
    expect(metered({ usage })).toMatchObject({ usage: { tokens: { cacheWrite5m: 7 } } });
    const system = [{ cachePoint: { type: 'default', ttl: '1h' } }];
    expect(metered({ usage }, {}, { system })).toMatchObject({ usage: { tokens: { cacheWrite1h: 7 } } });
  });

  const USAGE = { inputTokens: 1, outputTokens: 2, totalTokens: 3 };
  it.each<[string, Json]>([
    ['nothing', null],
    ['no usage', { output: {} }],
    ['no total', { usage: { inputTokens: 1, outputTokens: 2 } }],
    ['a total that is another sum', { usage: { ...USAGE, totalTokens: 4 } }],
    ['a total without the cache', { usage: { ...USAGE, cacheReadInputTokens: 5 } }],
    ['a negative count', { usage: { inputTokens: -1, outputTokens: 2, totalTokens: 1 } }],
    [
      'details that are another sum',
      { usage: { ...USAGE, cacheWriteInputTokens: 5, totalTokens: 8, cacheDetails: [{ ttl: '1h', inputTokens: 4 }] } },
    ],
    [
      'an unknown time to live',
      { usage: { ...USAGE, cacheWriteInputTokens: 5, totalTokens: 8, cacheDetails: [{ ttl: '2h', inputTokens: 5 }] } },
    ],
    ['another tier', { usage: USAGE, serviceTier: { type: 'priority' } }],
    ['another latency', { usage: USAGE, performanceConfig: { latency: 'optimized' } }],
    ['a model that a router chose', { usage: USAGE, trace: { promptRouter: { invokedModelId: 'x' } } }],
  ])('is unknown, and never 0: %s', (_, answer) => {
    const result = metered(answer);
    expect(result.kind).toBe('unknown');
    expect(result).not.toHaveProperty('atMost');
  });

  it('is unknown where it was cut off, and not charged where it is an error', () => {
    expect(metered(body, { whole: false }).kind).toBe('unknown');
    for (const status of [400, 403, 404, 429, 500, 503]) {
      expect(metered({ message: 'no' }, { status, headers: { 'x-amzn-errortype': 'X' } })).toEqual({
        kind: 'not_charged',
      });
    }
    for (const status of [408, 424, 504]) expect(metered({ message: 'no' }, { status }).kind).toBe('unknown');
  });
});

describe('a streamed answer', () => {
  const events = JSON.parse(fixture('bedrock/converse-stream.json').toString()).map(
    (event: { type: string; body: Json }) => framed(event.type, event.body),
  ) as Uint8Array[];
  const call = (extra: JsonObject = {}) => parse({ ...BASE, ...extra }, 'converse-stream');
  const exception = (type: string) => framed(type, { message: 'no' }, 'exception');
  const QUIET = { additionalModelRequestFields: { thinking: { type: 'disabled' } } };

  it('is read the same wherever it is cut', () => {
    for (const chunks of cuts(Buffer.concat(events))) {
      expect(meterOf(call(), chunks)).toMatchObject({ kind: 'reported', usage: { tokens: { input: 47, output: 20 } } });
    }
  });

  it('is never known, and never free, where it ends before its metadata', () => {
    const all = Buffer.concat(events);
    for (let end = 0; end < all.length; end++) {
      const result = meterOf(call(), [all.subarray(0, end)], { whole: end % 2 === 0 });
      expect(result.kind).toBe('unknown');
      expect(result).not.toHaveProperty('atMost');
    }
  });

  it('is unknown with a checksum that is wrong, while its bytes pass on', () => {
    const wrong = Buffer.concat(events);
    wrong[200] = (wrong[200] ?? 0) ^ 1;
    expect(meterOf(call(), [wrong])).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('checksum') });
  });

  it('is unknown where an exception ends it, at each place', () => {
    for (let at = 1; at < events.length; at++) {
      const chunks = [...events.slice(0, at), exception('modelStreamErrorException')];
      const plain = meterOf(call(), chunks);
      expect(plain.kind).toBe('unknown');
      expect(plain).not.toHaveProperty('atMost');
      const quiet = meterOf(call(QUIET), chunks);
      expect(quiet).toMatchObject({ kind: 'unknown', atMost: { tokens: { input: 581 } } });
    }
    const reasoned = framed('contentBlockDelta', { delta: { reasoningContent: { text: 'a' } } });
    expect(meterOf(call(QUIET), [reasoned, exception('throttlingException')])).not.toHaveProperty('atMost');
  });

  it('is not charged where an exception is all that comes', () => {
    expect(meterOf(call(), [exception('throttlingException')])).toEqual({ kind: 'not_charged' });
    expect(meterOf(call(), [exception('modelTimeoutException')]).kind).toBe('unknown');
    expect(meterOf(call(), [framed('InternalFailure', {}, 'error')]).kind).toBe('unknown');
  });

  it.each<[string, Uint8Array[]]>([
    ['metadata twice', [...events, ...events.slice(-1)]],
    ['metadata before messageStop', [...events.slice(0, -2), ...events.slice(-1), ...events.slice(-2, -1)]],
    ['an event that is no JSON object', [framed('contentBlockDelta', 'x'), ...events]],
  ])('is unknown with %s', (_, chunks) => {
    expect(meterOf(call(), chunks).kind).toBe('unknown');
  });
});

describe('the bound', () => {
  it('is never below what any answer within the rules of the provider costs', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 20 }).map((some) => some.repeat(500)),
        fc.constantFrom(undefined, '5m', '1h'),
        fc.integer({ min: 0, max: 64_000 }),
        fc.tuple(share, share, share, share),
        (text, ttl, maxTokens, shares) => {
          const point = ttl === undefined ? [] : [{ cachePoint: { type: 'default', ttl } }];
          const call = parse({ ...blocks({ text }, ...point), inferenceConfig: { maxTokens } });
          const most = Math.floor(Buffer.byteLength(text) * shares[0]);
          const read = Math.floor(most * shares[1]);
          const written = ttl === undefined ? 0 : Math.floor((most - read) * shares[2]);
          const output = Math.floor(maxTokens * shares[3]);
          const usage = {
            inputTokens: most - read - written,
            cacheReadInputTokens: read,
            cacheWriteInputTokens: written,
            outputTokens: output,
            totalTokens: most + output,
          };
          const result = meterOf(call, [bytes({ usage })]);
          if (result.kind !== 'reported') throw new Error(JSON.stringify(result));
          expect(costOf(result.usage, call.price)).toBeLessThanOrEqual(worstCaseOf(call.bound, call.price));
        },
      ),
    );
  });
});
