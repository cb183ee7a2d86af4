import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../lib/json.ts';
import { geminiGenerate } from '../../../lib/model-calls/gemini/generate.ts';
import type { CallRequest } from '../../../lib/model-calls/wire-format.ts';
import {
  bytewise,
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

const flash = priceOf({
  provider: 'gemini',
  model: 'gemini-2.5-flash',
  contextWindow: 1_048_576,
  maxOutputTokens: 65_536,
  tiers: [
    {
      aboveInputTokens: 0,
      rates: rates({ input: 0.3, cacheRead: 0.03, inputAudio: 1, cacheReadAudio: 0.1, output: 2.5 }),
    },
  ],
  accepts: { images: true, documents: true, audio: true, maxTokensPerImage: 3000 },
});
const unthinking = priceOf({
  provider: 'gemini',
  model: 'gemini-2.0-flash',
  contextWindow: 1_048_576,
  maxOutputTokens: 8192,
  tiers: [{ aboveInputTokens: 0, rates: rates({ input: 0.1, cacheRead: 0.025, output: 0.4 }) }],
});
const painting = priceOf({
  provider: 'gemini',
  model: 'gemini-2.5-flash-image',
  tiers: [{ aboveInputTokens: 0, rates: rates({ input: 0.3, output: 2.5, outputImage: 30 }) }],
});
const models = lookup(flash, unthinking, painting);

const hello = { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] };
const path = (model = 'gemini-2.5-flash', method = 'generateContent') => `/v1beta/models/${model}:${method}`;
const call = (body: JsonObject, at = path(), more: Partial<CallRequest> = {}) =>
  geminiGenerate.parse(request(at, { ...hello, ...body }, more), models);
const said = (...parts: Json[]) => ({ contents: [{ role: 'user', parts }] });

test('it serves the methods of models', () => {
  expect(geminiGenerate.serves('POST', path())).toBe(true);
  expect(geminiGenerate.serves('POST', path('x', 'streamGenerateContent'))).toBe(true);
  for (const [method, at] of [
    ['GET', path()],
    ['POST', '/v1beta/models'],
    ['POST', '/v1beta/cachedContents'],
    ['POST', '/v1beta/models/a/b:generateContent'],
    ['POST', '/v1beta/interactions'],
  ] as const) {
    expect(geminiGenerate.serves(method, at)).toBe(false);
  }
});

describe('the bound', () => {
  test('has everything that a model may read', () => {
    const long = 'ä'.repeat(500);
    const some: JsonObject[] = [
      said({ text: long }),
      said({ text: long, thought: true }),
      said({ functionCall: { name: 'f', args: { x: long } } }),
      said({ functionResponse: { name: 'f', response: { x: long } } }),
      said({ executableCode: { language: 'PYTHON', code: long } }),
      said({ inlineData: { mimeType: 'text/plain', data: long } }),
      { systemInstruction: { parts: [{ text: long }] } },
      { tools: [{ functionDeclarations: [{ name: 'f', description: long }] }] },
      { tools: [{ functionDeclarations: [{ name: 'f', parameters_json_schema: { description: long } }] }] },
      { generationConfig: { responseSchema: { description: long } } },
      { generationConfig: { responseJsonSchema: { description: long } } },
    ];
    for (const body of some) {
      expect(call(body).bound.inputTokens).toBeGreaterThan(1000);
      expect(call(body).bound.inputTokens).toBeLessThan(4000);
    }
  });

  test('of images, documents and audio', () => {
    const data = (mimeType: string) => said({ inlineData: { mimeType, data: 'A'.repeat(100_000) } });
    expect(call(data('image/png')).bound.inputTokens).toBeGreaterThan(3000);
    expect(call(data('image/png')).bound.inputTokens).toBeLessThan(3200);
    expect(call(data('application/pdf')).bound.inputTokens).toBe(1_048_576);
    expect(call(data('audio/wav')).bound).toMatchObject({
      inputTokens: 1_048_576,
      inputClasses: ['input', 'cacheRead', 'inputAudio', 'cacheReadAudio'],
    });
    const enlarged = { ...data('image/png'), generationConfig: { mediaResolution: 'MEDIA_RESOLUTION_HIGH' } };
    expect(call(enlarged).bound.inputTokens).toBe(1_048_576);
  });

  test('of a signature is the longest answer whose thoughts it may stand for', () => {
    const { inputTokens } = call(said({ functionCall: { name: 'f' }, thoughtSignature: 'QUJD' })).bound;
    expect(inputTokens).toBeGreaterThan(65_536);
    expect(inputTokens).toBeLessThan(66_000);
  });

  test('has thoughts beside the answer, unless there are none', () => {
    const output = (config: JsonObject, model = 'gemini-2.5-flash') =>
      call({ generationConfig: config }, path(model)).bound.outputTokens;
    expect(output({ maxOutputTokens: 100 })).toBe(100 + 65_536);
    expect(output({ maxOutputTokens: 100, candidateCount: 2 })).toBe(2 * (100 + 65_536));
    expect(output({ maxOutputTokens: 100, thinkingConfig: { thinkingBudget: 50 } })).toBe(100 + 65_536);
    expect(output({ maxOutputTokens: 100, thinkingConfig: { thinkingBudget: 0 } })).toBe(100);
    expect(output({ maxOutputTokens: 100 }, 'gemini-2.0-flash')).toBe(100);
    expect(call({}).boundWithOutput?.(7)).toMatchObject({ outputTokens: 7 + 65_536 });
  });

  test('has images where the model makes some', () => {
    expect(call({}, path('gemini-2.5-flash-image')).bound.outputClasses).toEqual(['output', 'outputImage']);
  });
});

describe('what goes to the provider', () => {
  test('has a ceiling, and no key', () => {
    const query = new URLSearchParams('alt=sse&key=secret');
    const stream = call({ generationConfig: { temperature: 1 } }, path(undefined, 'streamGenerateContent'), { query });
    expect(stream.stream).toBe(true);
    expect(stream.upstream.path).toBe('/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse');
    expect(upstreamBody(stream)).toEqual({
      ...hello,
      generationConfig: { temperature: 1, maxOutputTokens: 65_536 },
    });
    expect(stream.notes).toEqual({ 'x-wflo-max-output-tokens': '65536' });
    expect(JSON.stringify(stream.upstream.headers)).not.toContain('secret');
    expect(call({ generationConfig: { maxOutputTokens: 9 } }).notes).toEqual({});
  });
});

describe('refused before anything is called', () => {
  test.each<[string, JsonObject, string]>([
    ['no contents', { contents: [] }, 'contents must have'],
    ['cached content', { cachedContent: 'cachedContents/1' }, 'cachedContent'],
    ['a continuation', { continuationToken: 'x' }, 'continuationToken'],
    ['a tier', { serviceTier: 'priority' }, 'serviceTier "priority"'],
    ['another model', { model: 'models/gemini-2.5-pro' }, 'model is another'],
    ['a search', { tools: [{ googleSearch: {} }] }, 'tools[0].googleSearch'],
    ['reading of URLs', { tools: [{ urlContext: {} }] }, 'tools[0].urlContext'],
    ['code execution', { tools: [{ codeExecution: {} }] }, 'tools[0].codeExecution'],
    ['other servers', { tools: [{ mcpServers: [] }] }, 'tools[0].mcpServers'],
    ['a retrieval', { toolConfig: { retrievalConfig: {} } }, 'toolConfig.retrievalConfig'],
    ['a file', said({ fileData: { fileUri: 'https://example.com' } }), 'contents[0].parts[0].fileData'],
    ['a video', said({ inlineData: { mimeType: 'video/mp4', data: '' } }), 'inlineData of the type "video/mp4"'],
    ['an unknown part', said({ hologram: {} }), 'contents[0].parts[0].hologram'],
    ['an unknown field', { new_thing: 1 }, 'new_thing'],
    [
      'an unknown field of the configuration',
      { generationConfig: { speechConfig: {} } },
      'generationConfig.speechConfig',
    ],
    ['an image as answer', { generationConfig: { responseModalities: ['TEXT', 'IMAGE'] } }, 'the modality "IMAGE"'],
    ['too many candidates', { generationConfig: { candidateCount: 100_000 } }, 'candidateCount'],
    ['more than the model gives', { generationConfig: { maxOutputTokens: 65_537 } }, 'maxOutputTokens is 65537'],
    ['a field of thinking', { generationConfig: { thinkingConfig: { x: 1 } } }, 'thinkingConfig.x'],
  ])('%s', (_, body, named) => {
    const refusal = refusalOf(() => call(body));
    expect(refusal.message).toContain(named);
    expect(refusal.status).toBe(400);
  });

  test('unknown models, methods and queries', () => {
    expect(refusalOf(() => call({}, path('gemini-9'))).code).toBe('unknown_model');
    expect(refusalOf(() => call({}, path(undefined, 'embedContent')))).toMatchObject({ code: 'unpriced_feature' });
    expect(refusalOf(() => call({}, path(undefined, 'batchGenerateContent'))).message).toContain(
      'batchGenerateContent',
    );
    const query = new URLSearchParams('$fields=x');
    expect(refusalOf(() => call({}, path(), { query })).message).toContain('$fields=x');
  });

  test('an image for a model that sees none', () => {
    const image = said({ inlineData: { mimeType: 'image/png', data: '' } });
    expect(refusalOf(() => call(image, path('gemini-2.0-flash'))).message).toContain('an image for gemini-2.0-flash');
  });
});

describe('the meter', () => {
  const usage = {
    kind: 'reported',
    usage: { tokens: { input: 100, cacheRead: 4000, output: 812 }, reasoningTokens: 800 },
  };

  test('a whole answer, and every form of a stream, however it is cut', () => {
    for (const name of ['generate.json', 'stream.sse', 'stream.json']) {
      const body = fixture(`gemini/${name}`);
      const headers = name.endsWith('.sse') ? SSE : new Map([['content-type', 'application/json; charset=UTF-8']]);
      for (const chunks of [[body], bytewise(body)]) {
        const { text, metered } = passed(call({}).meter(), { headers, chunks });
        expect(text).toBe(Buffer.from(body).toString());
        expect(metered).toMatchObject(usage);
      }
    }
  });

  test('a stream that breaks after any event is unknown: the last event of all counts', () => {
    const events = eventsOf(fixture('gemini/stream.sse'));
    for (const at of events.keys()) {
      const chunks = events.slice(0, at + 1).map(encode);
      const { metered } = passed(call({}).meter(), { headers: SSE, chunks, whole: false });
      expect(metered).toEqual({ kind: 'unknown', reason: 'the answer broke off' });
    }
  });

  test('a stream that the provider ends early was seen whole where nothing thinks', () => {
    const [, second = ''] = eventsOf(fixture('gemini/stream.sse'));
    const chunks = [encode(second.replaceAll('gemini-2.5', 'gemini-2.0'))];
    const short = call({}, path('gemini-2.0-flash', 'streamGenerateContent'));
    expect(passed(short.meter(), { headers: SSE, chunks }).metered).toMatchObject({
      kind: 'unknown',
      atMost: { tokens: { input: short.bound.inputTokens, output: Buffer.byteLength('Grü') + 16 } },
    });
  });

  test('a blocked prompt, and audio', () => {
    const of = (name: string) => passed(call({}).meter(), { chunks: [fixture(`gemini/${name}`)] }).metered;
    expect(of('blocked.json')).toMatchObject({ kind: 'reported', usage: { tokens: { input: 9, output: 0 } } });
    expect(of('audio.json')).toMatchObject({ usage: { tokens: { input: 20, inputAudio: 320, output: 5 } } });
  });

  test('thoughts within the candidates are not counted twice', () => {
    const within = { promptTokenCount: 10, candidatesTokenCount: 30, thoughtsTokenCount: 20, totalTokenCount: 40 };
    const answer = { candidates: [{ finishReason: 'STOP' }], usageMetadata: within };
    const { metered } = passed(call({}).meter(), { chunks: [encode(JSON.stringify(answer))] });
    expect(metered).toMatchObject({ usage: { tokens: { input: 10, output: 30 }, reasoningTokens: 20 } });
  });

  const answer = JSON.parse(Buffer.from(fixture('gemini/generate.json')).toString());
  const counts = { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 };
  test.each<[string, JsonObject]>([
    ['no usage', { usageMetadata: null }],
    ['no total', { usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5 } }],
    ['a total that does not add up', { usageMetadata: { ...counts, totalTokenCount: 14 } }],
    ['a negative count', { usageMetadata: { ...counts, candidatesTokenCount: -5, totalTokenCount: 5 } }],
    ['no input', { usageMetadata: { promptTokenCount: 0, candidatesTokenCount: 5, totalTokenCount: 5 } }],
    ['no output for what was said', { usageMetadata: { promptTokenCount: 10, totalTokenCount: 10 } }],
    ['more cached than read', { usageMetadata: { ...counts, cachedContentTokenCount: 11 } }],
    [
      'more audio than read',
      { usageMetadata: { ...counts, promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 11 }] } },
    ],
    [
      'images without a price',
      { usageMetadata: { ...counts, candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 5 }] } },
    ],
    ['another tier', { usageMetadata: { ...counts, serviceTier: 'priority' } }],
    ['other traffic', { usageMetadata: { ...counts, trafficType: 'ON_DEMAND_PRIORITY' } }],
    ['another model', { modelVersion: 'gemini-2.5-pro' }],
    ['an error', { error: { code: 500 } }],
    ['no end', { candidates: [{ content: { parts: [{ text: 'a' }] } }] }],
  ])('%s: unknown', (_, change) => {
    const { metered } = passed(call({}).meter(), { chunks: [encode(JSON.stringify({ ...answer, ...change }))] });
    expect(metered.kind).toBe('unknown');
    expect(metered).not.toHaveProperty('atMost');
  });

  test.each(['garbage', '', '[', 'null'])('an answer of %j is unknown', (text) => {
    expect(passed(call({}).meter(), { chunks: [encode(text)] }).metered.kind).toBe('unknown');
  });

  test('errors are not charged', () => {
    expect(passed(call({}).meter(), { status: 503, chunks: [] }).metered).toEqual({ kind: 'not_charged' });
  });
});

test('counting tokens is free, whatever it counts', () => {
  const counting = call(
    { generateContentRequest: { model: 'x', tools: [{ googleSearch: {} }] } },
    path(undefined, 'countTokens'),
  );
  expect(counting.bound).toEqual({ inputTokens: 0, inputClasses: [], outputTokens: 0, outputClasses: [] });
  const { metered } = passed(counting.meter(), { chunks: [fixture('gemini/count-tokens.json')] });
  expect(metered).toEqual({ kind: 'reported', usage: { tokens: {} }, raw: null });
  expect(refusalOf(() => call({}, path('gemini-9', 'countTokens'))).code).toBe('unknown_model');
});
