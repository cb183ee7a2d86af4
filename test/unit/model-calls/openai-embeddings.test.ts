import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../lib/json.ts';
import { openaiEmbeddings } from '../../../lib/model-calls/openai/embeddings.ts';
import { encode, fixture, lookup, passed, priceOf, rates, refusalOf, request, upstreamBody } from './call.ts';

const PATH = '/v1/embeddings';
const small = priceOf({
  provider: 'openai',
  model: 'text-embedding-3-small',
  contextWindow: 8192,
  maxOutputTokens: 0,
  tiers: [{ aboveInputTokens: 0, rates: rates({ input: 0.02 }) }],
});
const models = lookup(small);
const parse = (input: Json, more: JsonObject = {}) =>
  openaiEmbeddings.parse(request(PATH, { model: 'text-embedding-3-small', input, ...more }), models);

test('the bound has all texts, by their bytes or their tokens', () => {
  expect(openaiEmbeddings.serves('POST', PATH)).toBe(true);
  expect(parse('ä'.repeat(10)).bound).toEqual({
    inputTokens: 28,
    inputClasses: ['input'],
    outputTokens: 0,
    outputClasses: [],
  });
  expect(parse(['a', 'bc']).bound.inputTokens).toBe(19);
  expect(parse([1, 2, 3]).bound.inputTokens).toBe(11);
  expect(parse([[1], [2, 3], 'x']).bound.inputTokens).toBe(28);
  // The window is of one text.
  expect(parse(Array.from({ length: 100 }, () => 'x'.repeat(1000))).bound.inputTokens).toBeGreaterThan(100_000);
});

test('what goes to the provider is what came', () => {
  const call = parse('a', { dimensions: 256, encoding_format: 'base64' });
  expect(upstreamBody(call)).toEqual({
    model: 'text-embedding-3-small',
    input: 'a',
    dimensions: 256,
    encoding_format: 'base64',
  });
  expect(call).toMatchObject({ stream: false, notes: {} });
  expect(call.boundWithOutput).toBeUndefined();
});

test.each<[string, Json, JsonObject, string]>([
  ['no text', null, {}, 'input must be a list'],
  ['an empty list', [], {}, 'input must not be empty'],
  ['a list of something else', [{}], {}, 'input[0] must be a list'],
  ['tokens that are none', [[1.5]], {}, 'input[0]'],
  ['too many texts', Array.from({ length: 2049 }, () => 'x'), {}, 'at most 2048'],
  ['an unknown field', 'a', { model_version: 2 }, 'model_version'],
])('refused: %s', (_, input, more, named) => {
  expect(refusalOf(() => parse(input, more)).message).toContain(named);
});

describe('the meter', () => {
  const meter = (body: string | Uint8Array, whole = true) =>
    passed(parse('a').meter(), { chunks: [typeof body === 'string' ? encode(body) : body], whole }).metered;

  test('what was used', () => {
    expect(meter(fixture('openai/embeddings.json'))).toMatchObject({
      kind: 'reported',
      usage: { tokens: { input: 8 } },
    });
  });

  test.each([
    '{}',
    '[]',
    'x',
    '{"usage":{"prompt_tokens":8}}',
    '{"usage":{"prompt_tokens":8,"total_tokens":9}}',
    '{"usage":{"prompt_tokens":0,"total_tokens":0}}',
    '{"model":"text-embedding-3-large","usage":{"prompt_tokens":8,"total_tokens":8}}',
  ])('unknown: %s', (body) => {
    expect(meter(body).kind).toBe('unknown');
  });

  test('half an answer is unknown, an error is free', () => {
    expect(meter(fixture('openai/embeddings.json'), false).kind).toBe('unknown');
    expect(passed(parse('a').meter(), { status: 429, chunks: [] }).metered.kind).toBe('not_charged');
  });
});
