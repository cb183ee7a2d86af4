import type { ModelLookup, ModelPrice } from '../../budget/price-book.ts';
import type { UsageBound } from '../../budget/usage.ts';
import type { JsonObject } from '../../json.ts';
import { setMember } from '../change-body.ts';
import { parseBody } from '../parse-body.ts';
import { invalidField, unknownModel, unpricedFeature } from '../refusals.ts';
import { optionalFlag, textOf } from '../request-fields.ts';
import { servedAsPriced } from '../served-model.ts';
import { upstreamHeaders } from '../upstream-headers.ts';
import { CallRefused, type CallRequest, type ModelCall, type WireFormat } from '../wire-format.ts';
import { boundClaudeRequest, checkBetas } from './claude-request.ts';
import { CountTokensMeter, MessagesMeter } from './messages-meter.ts';
import { refuseAnthropic } from './refuse.ts';

const MESSAGES = '/v1/messages';
const COUNT_TOKENS = '/v1/messages/count_tokens';
/** The versions of the API whose usage and events are read here: the SDKs before and since their major release. */
const API_VERSIONS: ReadonlySet<string> = new Set(['2023-06-01', '2026-10-21']);
const OLDEST_VERSION = '2023-06-01';

/** Anthropic's own API: messages, streamed or not, and the free counting of their tokens. */
export const anthropicMessages: WireFormat = {
  name: 'anthropic-messages',
  provider: 'anthropic',

  serves(method, path) {
    return method === 'POST' && (path === MESSAGES || path === COUNT_TOKENS);
  },

  parse(request, models) {
    const body = parseBody(request.body);
    const model = textOf(body.model, 'model');
    const price = models('anthropic', model);
    if (price === undefined) throw new CallRefused(unknownModel('anthropic', model));
    const headers = headersOf(request);
    const path = request.path + queryOf(request.query);
    return request.path === COUNT_TOKENS
      ? countTokensCall(request, body, price, path, headers)
      : messagesCall(request, body, price, path, headers, models);
  },

  refuse: refuseAnthropic,
};

/** Only here, beside what every surface of Claude has. */
const MESSAGES_FIELDS = new Set(['model', 'stream', 'service_tier', 'speed', 'inference_geo']);
const COUNT_FIELDS = new Set(['model', 'speed']);

function messagesCall(
  request: CallRequest,
  body: JsonObject,
  price: ModelPrice,
  path: string,
  headers: { readonly [name: string]: string },
  models: ModelLookup,
): ModelCall {
  checkStandard(body);
  const stream = optionalFlag(body.stream, 'stream');
  const claude = boundClaudeRequest(body, price, MESSAGES_FIELDS);
  // `auto`, which is also what is taken without it, would use priority capacity where the organisation has some.
  let upstream =
    body.service_tier === 'standard_only' ? request.body : setMember(request.body, ['service_tier'], 'standard_only');
  if (claude.maxTokensToSet !== undefined) upstream = setMember(upstream, ['max_tokens'], claude.maxTokensToSet);
  return {
    format: 'anthropic-messages',
    provider: 'anthropic',
    price,
    stream,
    bound: claude.bound,
    ...(claude.boundWithOutput === undefined ? {} : { boundWithOutput: claude.boundWithOutput }),
    upstream: { method: 'POST', path, headers, body: upstream },
    notes: claude.notes,
    meter: () => new MessagesMeter(claude, price, stream, (model) => servedAsPriced(price, model, models)),
  };
}

const FREE: UsageBound = { inputTokens: 0, inputClasses: ['input'], outputTokens: 0, outputClasses: ['output'] };

function countTokensCall(
  request: CallRequest,
  body: JsonObject,
  price: ModelPrice,
  path: string,
  headers: { readonly [name: string]: string },
): ModelCall {
  checkStandard(body);
  boundClaudeRequest(body, price, COUNT_FIELDS);
  return {
    format: 'anthropic-messages',
    provider: 'anthropic',
    price,
    stream: false,
    bound: FREE,
    upstream: { method: 'POST', path, headers, body: request.body },
    notes: {},
    meter: () => new CountTokensMeter(),
  };
}

/** The values of fields that choose another price, at which they do not. */
const STANDARD: { readonly [field: string]: readonly string[] } = {
  service_tier: ['auto', 'standard_only'],
  speed: ['standard'],
  inference_geo: ['global'],
};

function checkStandard(body: JsonObject): void {
  for (const [field, standard] of Object.entries(STANDARD)) {
    const value = body[field];
    if (value === undefined || value === null) continue;
    if (!standard.some((known) => known === value))
      throw new CallRefused(unpricedFeature(`${field} ${JSON.stringify(value)}`));
  }
}

function headersOf(request: CallRequest): { readonly [name: string]: string } {
  const version = request.headers.get('anthropic-version') ?? OLDEST_VERSION;
  if (!API_VERSIONS.has(version)) {
    throw new CallRefused(
      invalidField('the header anthropic-version', `must be one of ${[...API_VERSIONS].join(', ')}`),
    );
  }
  const betas = (request.headers.get('anthropic-beta') ?? '')
    .split(',')
    .map((beta) => beta.trim())
    .filter((beta) => beta !== '');
  checkBetas(betas);
  return upstreamHeaders(request, {
    'anthropic-version': version,
    ...(betas.length === 0 ? {} : { 'anthropic-beta': betas.join(',') }),
  });
}

/** The SDKs mark their beta client with `beta=true`. */
function queryOf(query: URLSearchParams): string {
  for (const [name, value] of query) {
    if (name !== 'beta' || value !== 'true')
      throw new CallRefused(unpricedFeature(`the query parameter ${name.slice(0, 100)}`));
  }
  return query.size === 0 ? '' : '?beta=true';
}
