import type { ModelPrice } from '../../budget/price-book.ts';
import type { UsageBound } from '../../budget/usage.ts';
import type { JsonObject } from '../../json.ts';
import { allowFields } from '../allowed-fields.ts';
import { boundClaudeRequest, checkBetas } from '../anthropic/claude-request.ts';
import { InputTally } from '../anthropic/input-tally.ts';
import { textAt } from '../anthropic/read-field.ts';
import { setMember } from '../change-body.ts';
import { parseBody } from '../parse-body.ts';
import { invalidField, unknownModel, unpricedFeature } from '../refusals.ts';
import { upstreamHeaders } from '../upstream-headers.ts';
import { CallRefused, type CallRequest, type ModelCall, type WireFormat } from '../wire-format.ts';
import { betasAt, isClaude } from './converse-request.ts';
import { InvokeMeter, InvokeStreamMeter, usageOfClaudeBody, usageOfTitanBody } from './invoke-meter.ts';
import { readModelPath, writeModelPath } from './model-path.ts';
import { refuseBedrock } from './refuse.ts';

/** What differs between the families of models: how the body is bounded, and how the answer is read. */
type InvokeCall = Pick<ModelCall, 'bound' | 'boundWithOutput' | 'notes' | 'meter'> & { readonly body: Uint8Array };

/** Each model's own request shape on Bedrock: Claude, and the text embeddings of Titan. */
export const bedrockInvoke: WireFormat = {
  name: 'bedrock-invoke',
  provider: 'bedrock',

  serves(method, path) {
    const operation = readModelPath(path)?.operation;
    return method === 'POST' && (operation === 'invoke' || operation === 'invoke-with-response-stream');
  },

  parse(request, models) {
    const { model = '', operation } = readModelPath(request.path) ?? {};
    const price = models('bedrock', model);
    if (operation === undefined || price === undefined) throw new CallRefused(unknownModel('bedrock', model));
    checkHeaders(request);
    const stream = operation === 'invoke-with-response-stream';
    const { body, ...call } = readInvoke(request.body, price, stream);
    return {
      format: 'bedrock-invoke',
      provider: 'bedrock',
      price,
      stream,
      ...call,
      upstream: { method: 'POST', path: writeModelPath(model, operation), headers: upstreamHeaders(request), body },
    };
  },

  refuse: refuseBedrock,
};

function readInvoke(bytes: Uint8Array, price: ModelPrice, stream: boolean): InvokeCall {
  if (isClaude(price.model)) return invokeClaude(bytes, price, stream);
  if (/^amazon\.titan-embed-text-/.test(price.model) && !stream) return invokeTitanEmbedding(bytes, price);
  throw new CallRefused(unpricedFeature('the request shape of this model', 'use converse'));
}

const CLAUDE_FIELDS = new Set(['anthropic_version', 'anthropic_beta']);

function invokeClaude(bytes: Uint8Array, price: ModelPrice, stream: boolean): InvokeCall {
  const body = parseBody(bytes);
  if (body.anthropic_version !== 'bedrock-2023-05-31') {
    throw new CallRefused(invalidField('anthropic_version', 'has to be bedrock-2023-05-31'));
  }
  if (body.anthropic_beta !== undefined && body.anthropic_beta !== null) {
    checkBetas(betasAt(body.anthropic_beta, 'anthropic_beta'));
  }
  const claude = boundClaudeRequest(body, price, CLAUDE_FIELDS);
  if (claude.asked.webSearch) throw new CallRefused(unpricedFeature('web search on Bedrock'));
  return {
    bound: claude.bound,
    ...(claude.boundWithOutput === undefined ? {} : { boundWithOutput: claude.boundWithOutput }),
    body: claude.maxTokensMissing ? setMember(bytes, ['max_tokens'], claude.maxTokens) : bytes,
    notes: claude.maxTokensMissing ? { 'x-wflo-max-output-tokens': String(claude.maxTokens) } : {},
    meter: () => (stream ? new InvokeStreamMeter(claude, price) : new InvokeMeter(usageOfClaudeBody(claude), price)),
  };
}

const TITAN_FIELDS = new Set(['inputText', 'dimensions', 'normalize', 'embeddingTypes']);

function invokeTitanEmbedding(bytes: Uint8Array, price: ModelPrice): InvokeCall {
  const body: JsonObject = parseBody(bytes);
  allowFields(body, TITAN_FIELDS, '');
  const tally = new InputTally(price);
  tally.text(textAt(body.inputText, 'inputText'));
  const bound: UsageBound = {
    inputTokens: tally.tokens(),
    inputClasses: ['input'],
    outputTokens: 0,
    outputClasses: [],
  };
  return { bound, body: bytes, notes: {}, meter: () => new InvokeMeter(usageOfTitanBody, price) };
}

/** Headers that choose another price, at which they do not. */
const STANDARD: { readonly [header: string]: string } = {
  'x-amzn-bedrock-service-tier': 'default',
  'x-amzn-bedrock-performanceconfig-latency': 'standard',
};

/** What they ask for is not passed on; that it was asked for is not passed over. */
function checkHeaders({ headers }: CallRequest): void {
  for (const [name, standard] of Object.entries(STANDARD)) {
    const value = headers.get(name);
    if (value !== undefined && value !== standard)
      throw new CallRefused(unpricedFeature(`${name} ${JSON.stringify(value)}`));
  }
  if (headers.has('x-amzn-bedrock-guardrailidentifier')) throw new CallRefused(unpricedFeature('a guardrail'));
}
