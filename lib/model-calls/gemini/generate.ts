import type { ModelLookup, ModelPrice } from '../../budget/price-book.ts';
import { AnswerMeter } from '../answer-meter.ts';
import { parseBody } from '../parse-body.ts';
import { unknownModel, unpricedFeature } from '../refusals.ts';
import { upstreamHeaders } from '../upstream-headers.ts';
import { CallRefused, type CallRequest, type ModelCall, type WireFormat } from '../wire-format.ts';
import { FreeAnswer, GeminiAnswer } from './answer.ts';
import { refuseGemini } from './refuse.ts';
import { parseGeminiRequest } from './request.ts';

/** `/v1beta/models/<model>:<method>`. */
const PATH = /^\/(v1|v1alpha|v1beta)\/models\/([^/:]+):([A-Za-z]+)$/;

/**
 * `generateContent`, `streamGenerateContent` and the free `countTokens` of the Gemini API. Other methods of a model have
 * no price here and are refused. Shapes: npm `@google/genai` 3.1.0.
 */
export const geminiGenerate: WireFormat = {
  name: 'gemini-generate',
  provider: 'gemini',
  serves: (method, path) => method === 'POST' && PATH.test(path),
  parse(call, models) {
    const [, version = '', model = '', method = ''] = PATH.exec(call.path) ?? [];
    const price = models('gemini', model);
    if (price === undefined) throw new CallRefused(unknownModel('gemini', model));
    const path = `/${version}/models/${encodeURIComponent(model)}:${method}`;
    switch (method) {
      case 'generateContent':
      case 'streamGenerateContent':
        return generate(call, price, models, path, method === 'streamGenerateContent');
      case 'countTokens':
        return countTokens(call, price, path);
      default:
        throw new CallRefused(unpricedFeature(`the method ${method.slice(0, 100)}`, 'use generateContent'));
    }
  },
  refuse: refuseGemini,
};

function generate(call: CallRequest, price: ModelPrice, models: ModelLookup, path: string, stream: boolean): ModelCall {
  const alt = altOf(call);
  const request = parseGeminiRequest(parseBody(call.body), price);
  return {
    format: 'gemini-generate',
    provider: 'gemini',
    price,
    stream,
    bound: request.bound,
    boundWithOutput: request.boundWithOutput,
    upstream: {
      method: 'POST',
      path: alt === undefined ? path : `${path}?alt=${alt}`,
      headers: upstreamHeaders(call),
      body: new TextEncoder().encode(JSON.stringify(request.upstreamBody)),
    },
    notes: request.ceiling.notes,
    meter: () => new AnswerMeter(new GeminiAnswer(request, price, models)),
  };
}

function countTokens(call: CallRequest, price: ModelPrice, path: string): ModelCall {
  altOf(call);
  const body = parseBody(call.body);
  return {
    format: 'gemini-generate',
    provider: 'gemini',
    price,
    stream: false,
    bound: { inputTokens: 0, inputClasses: [], outputTokens: 0, outputClasses: [] },
    upstream: {
      method: 'POST',
      path,
      headers: upstreamHeaders(call),
      body: new TextEncoder().encode(JSON.stringify(body)),
    },
    notes: {},
    meter: () => new AnswerMeter(new FreeAnswer()),
  };
}

/** The form of the answer. `key` is where some clients put their key; it is dropped like the header. */
function altOf({ query }: CallRequest): 'sse' | 'json' | undefined {
  let alt: 'sse' | 'json' | undefined;
  for (const [name, value] of query) {
    if (name === 'alt' && (value === 'sse' || value === 'json')) alt = value;
    else if (name !== 'key') {
      throw new CallRefused(unpricedFeature(`the query parameter ${name.slice(0, 100)}=${value.slice(0, 100)}`));
    }
  }
  return alt;
}
