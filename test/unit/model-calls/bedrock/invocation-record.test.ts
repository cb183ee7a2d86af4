import { describe, expect, it } from 'vitest';
import { usd } from '../../../../lib/budget/money.ts';
import type { JsonObject } from '../../../../lib/json.ts';
import { readInvocationRecord } from '../../../../lib/model-calls/bedrock/invocation-record.ts';
import { CLAUDE_ON_BEDROCK, lookup, NOVA } from '../../../_fixtures/model-calls/claude-samples.ts';
import { anInvocation } from '../../../_helpers/invocation-records.ts';

function priceOf(model: string) {
  const price = lookup('bedrock', model);
  if (price === undefined) throw new Error(`${model} has no price`);
  return price;
}
const nova = priceOf(NOVA);
const claude = priceOf(CLAUDE_ON_BEDROCK);
const read = (more: JsonObject, price = nova) => readInvocationRecord(anInvocation('one', more), price);
const ofClaude = { modelId: CLAUDE_ON_BEDROCK };

describe('a record of an invocation', () => {
  it('says what was used, with its own words beside', () => {
    expect(read({})).toEqual({
      kind: 'reported',
      usage: { tokens: expect.objectContaining({ input: 1000, output: 200 }) },
      raw: {
        requestId: 'request-of-one',
        modelId: NOVA,
        inputTokenCount: 1000,
        outputTokenCount: 200,
        cacheReadInputTokenCount: 0,
        cacheWriteInputTokenCount: 0,
      },
    });
  });

  it.each(['Converse', 'ConverseStream', 'InvokeModel', 'InvokeModelWithResponseStream'])('of %s', (operation) => {
    expect(read({ operation })).toMatchObject({ kind: 'reported' });
  });

  it('may name the profile that led to the model', () => {
    const modelId = `arn:aws:bedrock:us-east-1:123456789012:inference-profile/${CLAUDE_ON_BEDROCK}`;
    expect(read({ modelId }, claude)).toMatchObject({ kind: 'reported' });
  });

  it('counts cache writes as the dearer kind, unless the answer in it says how long they live', () => {
    const input = { inputTokenCount: 10, cacheReadInputTokenCount: 20, cacheWriteInputTokenCount: 30 };
    const output = { outputTokenCount: 5 };
    expect(read({ ...ofClaude, input, output }, claude)).toMatchObject({
      usage: { tokens: { input: 10, cacheRead: 20, cacheWrite1h: 30, output: 5 } },
    });
    const usage = {
      inputTokens: 10,
      outputTokens: 5,
      totalTokens: 65,
      cacheReadInputTokens: 20,
      cacheWriteInputTokens: 30,
      cacheDetails: [{ ttl: '5m', inputTokens: 30 }],
    };
    expect(read({ ...ofClaude, input, output: { ...output, outputBodyJson: { usage } } }, claude)).toMatchObject({
      usage: { tokens: { input: 10, cacheRead: 20, cacheWrite5m: 30, cacheWrite1h: 0, output: 5 } },
    });
    // The answer of Claude to `invoke` has a usage of other names.
    const outputBodyJson = { usage: { input_tokens: 10, output_tokens: 5 } };
    expect(read({ ...ofClaude, input, output: { ...output, outputBodyJson } }, claude)).toMatchObject({
      usage: { tokens: { cacheWrite1h: 30 } },
    });
  });

  it.each<[string, JsonObject, RegExp]>([
    ['another version', { schemaVersion: '2.0' }, /schema version "2.0"/],
    ['another operation', { operation: 'StartAsyncInvoke' }, /operation "StartAsyncInvoke"/],
    ['another model', { modelId: 'amazon.nova-pro-v1:0' }, /model "amazon.nova-pro-v1:0"/],
    ['a model whose name only ends so', { modelId: `x${NOVA}` }, /is of the model/],
    ['no model', { modelId: null }, /model null/],
    ['a failure', { errorCode: 'ModelStreamErrorException' }, /failed with "ModelStreamErrorException"/],
    ['optimised latency', { performanceConfig: { latency: 'optimized' } }, /latency was "optimized"/],
    ['another tier', { serviceTier: 'priority' }, /type was "priority"/],
    ['no counts', { input: null, output: null }, /lacks inputTokenCount/],
    ['no count of output', { output: {} }, /lacks inputTokenCount or outputTokenCount/],
    ['output of nothing', { output: { outputTokenCount: 0 } }, /counts no tokens/],
    ['input of nothing', { input: { inputTokenCount: 0 } }, /counts no tokens/],
    ['a negative count', { input: { inputTokenCount: -1 } }, /lacks/],
    ['a cache count that is none', { input: { inputTokenCount: 1, cacheReadInputTokenCount: 'x' } }, /no number/],
    [
      'an answer that says otherwise',
      {
        output: {
          outputTokenCount: 200,
          outputBodyJson: { usage: { inputTokens: 1000, outputTokens: 201, totalTokens: 1201 } },
        },
      },
      /other tokens than the answer/,
    ],
    [
      'an answer that does not add up',
      {
        output: {
          outputTokenCount: 200,
          outputBodyJson: { usage: { inputTokens: 1000, outputTokens: 200, totalTokens: 1 } },
        },
      },
      /does not add up/,
    ],
  ])('is not believed: %s', (_name, more, reason) => {
    expect(read(more)).toEqual({ kind: 'unknown', reason: expect.stringMatching(reason) });
  });

  it('is not believed where something was used that has no price', () => {
    const price = { ...nova, tiers: [{ aboveInputTokens: 0, rates: { input: usd(1), output: usd(1) } }] };
    const input = { inputTokenCount: 10, cacheReadInputTokenCount: 20 };
    expect(read({ input }, price)).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('cacheRead') });
  });
});
