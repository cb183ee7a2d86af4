import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { costOf, isOutput, worstCaseOf } from '../../../lib/budget/cost.ts';
import { TOKEN_CLASSES, type Usage, type UsageBound } from '../../../lib/budget/usage.ts';
import type { Json, JsonObject } from '../../../lib/json.ts';
import { geminiGenerate } from '../../../lib/model-calls/gemini/generate.ts';
import { openaiChat } from '../../../lib/model-calls/openai/chat.ts';
import { openaiEmbeddings } from '../../../lib/model-calls/openai/embeddings.ts';
import { openaiResponses } from '../../../lib/model-calls/openai/responses.ts';
import type { ModelCall } from '../../../lib/model-calls/wire-format.ts';
import { encode, fee, lookup, passed, priceOf, rates, request } from './call.ts';

const openai = priceOf({
  provider: 'openai',
  model: 'gpt-5.6',
  contextWindow: 2000,
  maxOutputTokens: 1000,
  tiers: [
    {
      aboveInputTokens: 0,
      rates: rates({ input: 1.25, cacheRead: 0.125, cacheWrite30m: 1.5625, cacheWrite12h: 2.5, output: 10 }),
    },
    {
      aboveInputTokens: 700,
      rates: rates({ input: 2.5, cacheRead: 0.25, cacheWrite30m: 3.125, cacheWrite12h: 5, output: 15 }),
    },
  ],
  fees: { webSearch: fee(0.01), fileSearch: fee(0.0025) },
});
const gemini = priceOf({
  provider: 'gemini',
  model: 'gemini-2.5-flash',
  contextWindow: 2000,
  maxOutputTokens: 1000,
  tiers: [
    {
      aboveInputTokens: 0,
      rates: rates({ input: 0.3, cacheRead: 0.03, inputAudio: 1, cacheReadAudio: 0.1, output: 2.5 }),
    },
  ],
  accepts: { images: false, documents: false, audio: true },
});
const embedding = priceOf({
  provider: 'openai',
  model: 'text-embedding-3-small',
  contextWindow: 100,
  maxOutputTokens: 0,
  tiers: [{ aboveInputTokens: 0, rates: rates({ input: 0.02 }) }],
});
const models = lookup(openai, gemini, embedding);

/** A provider's tokeniser at its worst: a token for every byte, but one for a run of blanks. */
const tokens = (text: string) => Buffer.byteLength(text.replace(/\n +/g, '\n'));
const jsonTokens = (value: Json) => tokens(JSON.stringify(value, null, 2));
/** Of a provider's template. */
const PER_MESSAGE = 8;
const PER_TOOL = 16;

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constant('👩‍👩‍👧‍👦\n"'.repeat(9)),
);
const schema = fc.dictionary(text, fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>, { maxKeys: 4 });
const tool = fc.record({ name: text, description: text, parameters: schema });

/** Shares of what there is: `[0.3, 0.9]` of 10 are 3 and 6. */
const share = fc.double({ min: 0, max: 1, noNaN: true });
const shares = fc.tuple(share, share, share, share, share, share);
const part = (of: number, its: number) => Math.floor(of * its);

function reported(call: ModelCall, answer: JsonObject): Usage {
  const { metered } = passed(call.meter(), { chunks: [encode(JSON.stringify(answer))] });
  if (metered.kind !== 'reported') throw new Error(JSON.stringify(metered));
  return metered.usage;
}

function expectWithin({ bound, price }: ModelCall, usage: Usage): void {
  const used = TOKEN_CLASSES.filter((token) => (usage.tokens[token] ?? 0) > 0);
  const sum = (output: boolean) =>
    used.filter((token) => isOutput(token) === output).reduce((all, token) => all + (usage.tokens[token] ?? 0), 0);
  expect(sum(false)).toBeLessThanOrEqual(bound.inputTokens);
  expect(sum(true)).toBeLessThanOrEqual(bound.outputTokens);
  for (const token of used) expect(classesOf(bound, isOutput(token))).toContain(token);
  expect(costOf(usage, price)).toBeLessThanOrEqual(worstCaseOf(bound, price));
}

const classesOf = (bound: UsageBound, output: boolean) => (output ? bound.outputClasses : bound.inputClasses);

describe('no answer within what a provider does costs more than was reserved', { timeout: 60_000 }, () => {
  test('chat completions', () => {
    const messages = fc.array(fc.record({ role: fc.constantFrom('system', 'user', 'assistant'), content: text }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(
        messages,
        fc.array(tool, { maxLength: 3 }),
        fc.integer({ min: 1, max: 5 }),
        fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined }),
        shares,
        (said, tools, n, max, [all, cached, written, out, reasoned]) => {
          const call = openaiChat.parse(
            request('/v1/chat/completions', {
              model: 'gpt-5.6',
              messages: said,
              tools: tools.map((definition) => ({ type: 'function', function: definition })),
              n,
              ...(max === undefined ? {} : { max_completion_tokens: max }),
            }),
            models,
          );
          const prompt = said.reduce((sum, { role, content }) => sum + PER_MESSAGE + tokens(role) + tokens(content), 0);
          const declared = tools.reduce((sum, definition) => sum + PER_TOOL + jsonTokens(definition), 0);
          // All of it half of the time, so that the bound has no room that only luck gives.
          const read = Math.min(2000, all < 0.5 ? prompt + declared : Math.max(1, part(prompt + declared, all)));
          const cachedTokens = part(read, cached);
          const output = part((max ?? 1000) * n, out);
          const usage = reported(call, {
            usage: {
              prompt_tokens: read,
              completion_tokens: output,
              total_tokens: read + output,
              prompt_tokens_details: {
                cached_tokens: cachedTokens,
                cache_write_tokens: part(read - cachedTokens, written),
              },
              completion_tokens_details: { reasoning_tokens: part(output, reasoned) },
            },
          });
          expectWithin(call, usage);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('responses, with tools of the provider', () => {
    fc.assert(
      fc.property(
        text,
        fc.array(tool, { maxLength: 2 }),
        fc.integer({ min: 0, max: 4 }),
        fc.boolean(),
        shares,
        (said, tools, uses, long, [all, cached, written, byTtl, out, searched]) => {
          const call = openaiResponses.parse(
            request('/v1/responses', {
              model: 'gpt-5.6',
              instructions: said,
              input: [
                { role: 'user', content: [{ type: 'input_text', text: said }] },
                { type: 'function_call_output', call_id: 'c', output: said },
              ],
              tools: [
                ...tools.map((definition) => ({ type: 'function', ...definition })),
                ...(uses === 0 ? [] : [{ type: 'web_search' }, { type: 'file_search', vector_store_ids: ['v'] }]),
              ],
              max_output_tokens: 100,
              ...(uses === 0 ? {} : { max_tool_calls: uses }),
              ...(long ? { prompt_cache_options: { ttl: '12h' } } : {}),
            }),
            models,
          );
          const prompt = 3 * (PER_MESSAGE + 4 + tokens(said)) + 1;
          const declared = tools.reduce((sum, definition) => sum + PER_TOOL + jsonTokens(definition), 0);
          const most = uses === 0 ? Math.min(2000, prompt + declared) : 2000 * (uses + 1);
          const read = all < 0.5 ? most : Math.max(1, part(most, all));
          const cachedTokens = part(read, cached);
          const writes = part(read - cachedTokens, written);
          const twelve = long ? part(writes, byTtl) : 0;
          const output = part(100, out);
          const searches = part(uses, searched);
          const usage = reported(call, {
            status: 'completed',
            output: [
              ...Array.from({ length: searches }, () => ({ type: 'web_search_call' })),
              ...Array.from({ length: uses - searches }, () => ({ type: 'file_search_call' })),
            ],
            usage: {
              input_tokens: read,
              output_tokens: output,
              total_tokens: read + output,
              input_tokens_details: {
                cached_tokens: cachedTokens,
                cache_write_tokens: writes,
                cache_write_tokens_details: { ttl_30m_tokens: writes - twelve, ttl_12h_tokens: twelve },
              },
            },
          });
          expectWithin(call, usage);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('Gemini, with thoughts and audio', () => {
    fc.assert(
      fc.property(
        text,
        fc.array(tool, { maxLength: 2 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 3 }),
        shares,
        (said, tools, heard, candidates, [all, cached, audio, out, thought, cachedAudio]) => {
          const sound = heard ? [{ inlineData: { mimeType: 'audio/wav', data: 'AAAA' } }] : [];
          const call = geminiGenerate.parse(
            request('/v1beta/models/gemini-2.5-flash:generateContent', {
              contents: [
                {
                  role: 'user',
                  parts: [{ text: said }, { functionResponse: { name: 'f', response: { said } } }, ...sound],
                },
              ],
              systemInstruction: { parts: [{ text: said }] },
              tools: [{ functionDeclarations: tools }],
              generationConfig: { maxOutputTokens: 100, candidateCount: candidates },
            }),
            models,
          );
          const prompt = 2 * (PER_MESSAGE + 4 + tokens(said)) + jsonTokens({ name: 'f', response: { said } });
          const declared = tools.reduce((sum, definition) => sum + PER_TOOL + jsonTokens(definition), 0);
          const most = heard ? 2000 : Math.min(2000, prompt + declared);
          const read = all < 0.5 ? most : Math.max(1, part(most, all));
          const fromCache = part(read, cached);
          const soundTokens = heard ? part(read - fromCache, audio) : 0;
          const cachedSound = heard ? part(fromCache, cachedAudio) : 0;
          const output = part(100 * candidates, out);
          const thoughts = part(1000 * candidates, thought);
          const usage = reported(call, {
            candidates: [{ finishReason: 'STOP' }],
            usageMetadata: {
              promptTokenCount: read,
              cachedContentTokenCount: fromCache,
              candidatesTokenCount: output,
              thoughtsTokenCount: thoughts,
              totalTokenCount: read + output + thoughts,
              promptTokensDetails: [{ modality: 'AUDIO', tokenCount: soundTokens + cachedSound }],
              cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: cachedSound }],
            },
          });
          expectWithin(call, usage);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('embeddings', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(text, fc.array(fc.nat())), { minLength: 1, maxLength: 9 }), (input) => {
        const call = openaiEmbeddings.parse(request('/v1/embeddings', { model: embedding.model, input }), models);
        const read = input.reduce<number>(
          (sum, value) => sum + 2 + (typeof value === 'string' ? tokens(value) : value.length),
          0,
        );
        expectWithin(call, reported(call, { usage: { prompt_tokens: read, total_tokens: read } }));
      }),
    );
  });
});

test('another ceiling of output moves the bound of the output and nothing else', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 8 }), (max, n) => {
      const body = { model: 'gpt-5.6', messages: [{ role: 'user', content: 'hi' }], n };
      const call = openaiChat.parse(request('/v1/chat/completions', body), models);
      const asked = openaiChat.parse(request('/v1/chat/completions', { ...body, max_completion_tokens: max }), models);
      expect(call.boundWithOutput?.(max)).toEqual(asked.bound);
    }),
  );
});

test('whatever a provider sends, however it is cut, a meter neither throws nor guesses, and passes every byte on', {
  timeout: 60_000,
}, () => {
  const call = openaiChat.parse(
    request('/v1/chat/completions', {
      model: 'gpt-5.6',
      messages: [{ role: 'user', content: 'hi' }],
      stream: true,
      stream_options: { include_usage: true },
    }),
    models,
  );
  const line = fc.oneof(
    fc.jsonValue().map((value) => `data: ${JSON.stringify(value)}\n\n`),
    fc.record({ usage: fc.jsonValue(), choices: fc.jsonValue() }).map((value) => `data: ${JSON.stringify(value)}\n\n`),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('data: [DONE]\n\n', '\n\n', 'data: {'),
  );
  fc.assert(
    fc.property(fc.array(line), fc.boolean(), fc.boolean(), (lines, sse, whole) => {
      const headers = new Map([['content-type', sse ? 'text/event-stream' : 'application/json']]);
      const sent = lines.map(encode);
      const { text: through, metered } = passed(call.meter(), { headers, chunks: sent, whole });
      expect(through).toBe(Buffer.concat(sent).toString());
      expect(metered.kind).toBe('unknown');
    }),
    { numRuns: 300 },
  );
});
