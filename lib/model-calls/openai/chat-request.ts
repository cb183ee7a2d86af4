import type { ModelPrice } from '../../budget/price-book.ts';
import type { UsageBound } from '../../budget/usage.ts';
import type { Json, JsonObject } from '../../json.ts';
import { allowFields } from '../allowed-fields.ts';
import { jsonTokens, type TemplateTokens, templateTokens, textBytes } from '../bound-text.ts';
import { InputBound } from '../input-bound.ts';
import { type OutputCeiling, outputCeiling } from '../output-ceiling.ts';
import { hasRate } from '../priced-classes.ts';
import { invalidField, unpricedFeature } from '../refusals.ts';
import {
  listOf,
  objectOf,
  optionalAmount,
  optionalFlag,
  optionalList,
  optionalText,
  presentField,
  textOf,
} from '../request-fields.ts';
import { CallRefused } from '../wire-format.ts';
import { boundBreakpoint, boundCache, boundCacheTtl, checkRetention, refuseOtherTiers } from './common-fields.ts';

/** Fields that are known, and cost nothing but the tokens that are counted here. */
const FIELDS = new Set([
  'audio',
  'frequency_penalty',
  'function_call',
  'functions',
  'logit_bias',
  'logprobs',
  'max_completion_tokens',
  'max_tokens',
  'messages',
  'metadata',
  'modalities',
  'model',
  'n',
  'parallel_tool_calls',
  'presence_penalty',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'reasoning_effort',
  'response_format',
  'safety_identifier',
  'seed',
  'service_tier',
  'stop',
  'store',
  'stream',
  'stream_options',
  'temperature',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'user',
  'verbosity',
]);
const STREAM_OPTIONS = new Set(['include_usage', 'include_obfuscation']);
const CACHE_OPTIONS = new Set(['mode', 'ttl']);
const MESSAGE_FIELDS = new Set([
  'annotations',
  'content',
  'function_call',
  'name',
  'refusal',
  'role',
  'tool_call_id',
  'tool_calls',
]);
const ROLES = new Set(['developer', 'system', 'user', 'assistant', 'tool', 'function']);
const PART_FIELDS: { readonly [type: string]: ReadonlySet<string> } = {
  text: new Set(['type', 'text', 'prompt_cache_breakpoint']),
  refusal: new Set(['type', 'refusal']),
  image_url: new Set(['type', 'image_url', 'prompt_cache_breakpoint']),
  input_audio: new Set(['type', 'input_audio', 'prompt_cache_breakpoint']),
  file: new Set(['type', 'file', 'prompt_cache_breakpoint']),
};
const IMAGE_FIELDS = new Set(['url', 'detail']);
const AUDIO_FIELDS = new Set(['data', 'format']);
const FILE_FIELDS = new Set(['file_data', 'filename']);
const TOOL_CALL_FIELDS = new Set(['id', 'type', 'function', 'custom', 'index']);
const CALLED_FIELDS = new Set(['name', 'arguments', 'input']);
const TOOL_FIELDS = new Set(['type', 'function', 'custom']);
const TOOL_TYPES = new Set(['function', 'custom']);
const FUNCTION_FIELDS = new Set(['name', 'description', 'parameters', 'strict']);
const CUSTOM_FIELDS = new Set(['name', 'description', 'format']);

/** Generous: a message has about four tokens around it, and tools a header that no page documents. */
const TEMPLATE: TemplateTokens = { request: 64, message: 16, tools: 128, tool: 32 };
const PART_TOKENS = 8;

/** More choices than the API gives. */
const MOST_CHOICES = 128;

export interface ChatRequest {
  readonly stream: boolean;
  /** The client asked for the usage chunk of a stream. */
  readonly asksForUsage: boolean;
  readonly choices: number;
  readonly hasTools: boolean;
  readonly bound: UsageBound;
  boundWithOutput(maxOutputTokens: number): UsageBound;
  readonly ceiling: OutputCeiling;
  /** With the ceiling, the standard tier, and usage in a stream. */
  readonly upstreamBody: JsonObject;
}

/** Throws `CallRefused` for what is malformed or has no price. */
export function parseChatRequest(body: JsonObject, price: ModelPrice): ChatRequest {
  allowFields(body, FIELDS, '');
  refuseOtherTiers(body);
  checkRetention(body);
  const input = new InputBound(price);
  boundCache(input, price);
  boundCacheOptions(body, input, price);
  boundMessages(body, input, price);
  const tools = boundTools(body, input);
  for (const name of ['response_format', 'tool_choice', 'function_call']) {
    const value = presentField(body, name);
    if (value !== undefined) input.tokens(jsonTokens(value));
  }
  const outputClasses = boundModalities(body, price);

  const stream = optionalFlag(body.stream, 'stream');
  const options = presentField(body, 'stream_options');
  const streamOptions = options === undefined ? {} : objectOf(options, 'stream_options');
  allowFields(streamOptions, STREAM_OPTIONS, 'stream_options');

  const choices = optionalAmount(body.n, 'n', MOST_CHOICES) ?? 1;
  const ceiling = ceilingOf(body, price, input.total());
  const boundWithOutput = (maxOutputTokens: number): UsageBound => ({
    inputTokens: input.total(),
    inputClasses: input.classes(),
    outputTokens: maxOutputTokens * choices,
    outputClasses,
  });
  return {
    stream,
    asksForUsage: optionalFlag(streamOptions.include_usage, 'stream_options.include_usage'),
    choices,
    hasTools: tools > 0,
    bound: boundWithOutput(ceiling.tokens),
    boundWithOutput,
    ceiling,
    upstreamBody: {
      ...body,
      ...(presentField(body, 'max_tokens') === undefined
        ? { max_completion_tokens: ceiling.tokens }
        : { max_tokens: ceiling.tokens }),
      service_tier: 'default',
      ...(stream ? { stream_options: { ...streamOptions, include_usage: true } } : {}),
    },
  };
}

function ceilingOf(body: JsonObject, price: ModelPrice, inputTokens: number): OutputCeiling {
  const newer = optionalAmount(body.max_completion_tokens, 'max_completion_tokens', Number.MAX_SAFE_INTEGER);
  const older = optionalAmount(body.max_tokens, 'max_tokens', Number.MAX_SAFE_INTEGER);
  if (newer !== undefined && older !== undefined) {
    throw new CallRefused(invalidField('max_tokens', 'and max_completion_tokens cannot both be given', 'give one'));
  }
  const field = older === undefined ? 'max_completion_tokens' : 'max_tokens';
  return outputCeiling(newer ?? older, field, price, inputTokens);
}

function boundCacheOptions(body: JsonObject, input: InputBound, price: ModelPrice): void {
  const value = presentField(body, 'prompt_cache_options');
  if (value === undefined) return;
  const options = objectOf(value, 'prompt_cache_options');
  allowFields(options, CACHE_OPTIONS, 'prompt_cache_options');
  boundChatTtl(options.ttl, 'prompt_cache_options.ttl', input, price);
}

/** Usage of chat completions does not tell writes of different lifetimes apart. */
function boundChatTtl(ttl: Json | undefined, path: string, input: InputBound, price: ModelPrice): void {
  if (ttl !== undefined && ttl !== null && ttl !== '30m') {
    throw new CallRefused(unpricedFeature(`${path} ${JSON.stringify(ttl)}`, 'use 30m'));
  }
  boundCacheTtl(ttl, path, input, price);
}

function boundMessages(body: JsonObject, input: InputBound, price: ModelPrice): void {
  const messages = listOf(body.messages, 'messages');
  if (messages.length === 0) throw new CallRefused(invalidField('messages', 'must have a message'));
  input.tokens(templateTokens(TEMPLATE, messages.length, 0));
  for (const [index, value] of messages.entries()) {
    const path = `messages[${index}]`;
    const message = objectOf(value, path);
    allowFields(message, MESSAGE_FIELDS, path);
    const role = textOf(message.role, `${path}.role`);
    if (!ROLES.has(role)) throw new CallRefused(invalidField(`${path}.role`, 'is none that can be priced'));
    input.text(role);
    for (const name of ['name', 'refusal', 'tool_call_id'] as const) {
      input.text(optionalText(message[name], `${path}.${name}`) ?? '');
    }
    const annotations = presentField(message, 'annotations');
    if (annotations !== undefined) input.tokens(jsonTokens(annotations));
    boundContent(presentField(message, 'content'), `${path}.content`, input, price);
    for (const [at, call] of optionalList(message.tool_calls, `${path}.tool_calls`).entries()) {
      boundToolCall(call, `${path}.tool_calls[${at}]`, input);
    }
    const called = presentField(message, 'function_call');
    if (called !== undefined) boundCalled(called, `${path}.function_call`, input);
  }
}

function boundContent(content: Json | undefined, path: string, input: InputBound, price: ModelPrice): void {
  if (content === undefined) return;
  if (typeof content === 'string') {
    input.text(content);
    return;
  }
  for (const [index, value] of listOf(content, path).entries()) {
    boundPart(objectOf(value, `${path}[${index}]`), `${path}[${index}]`, input, price);
  }
}

function boundPart(part: JsonObject, path: string, input: InputBound, price: ModelPrice): void {
  const type = textOf(part.type, `${path}.type`);
  const fields = Object.hasOwn(PART_FIELDS, type) ? PART_FIELDS[type] : undefined;
  if (fields === undefined) {
    throw new CallRefused(unpricedFeature(`${path} of the type ${JSON.stringify(type.slice(0, 100))}`));
  }
  allowFields(part, fields, path);
  const breakpoint = presentField(part, 'prompt_cache_breakpoint');
  if (breakpoint !== undefined) {
    boundBreakpoint(part, path, input, price);
    const field = `${path}.prompt_cache_breakpoint`;
    boundChatTtl(objectOf(breakpoint, field).ttl, `${field}.ttl`, input, price);
  }
  input.tokens(PART_TOKENS);
  switch (type) {
    case 'image_url': {
      const image = objectOf(part.image_url, `${path}.image_url`);
      allowFields(image, IMAGE_FIELDS, `${path}.image_url`);
      textOf(image.url, `${path}.image_url.url`);
      input.image(path);
      break;
    }
    case 'input_audio': {
      allowFields(objectOf(part.input_audio, `${path}.input_audio`), AUDIO_FIELDS, `${path}.input_audio`);
      if (!hasRate(price, 'inputAudio')) throw new CallRefused(unpricedFeature(`${path}: audio for ${price.model}`));
      input.audio(path);
      input.mayBe('inputAudio');
      if (hasRate(price, 'cacheReadAudio')) input.mayBe('cacheReadAudio');
      break;
    }
    case 'file': {
      const file = objectOf(part.file, `${path}.file`);
      allowFields(file, FILE_FIELDS, `${path}.file`);
      input.document(path);
      break;
    }
    default:
      input.text(textOf(part[type], `${path}.${type}`));
  }
}

function boundToolCall(value: Json, path: string, input: InputBound): void {
  const call = objectOf(value, path);
  allowFields(call, TOOL_CALL_FIELDS, path);
  input.tokens(TEMPLATE.message);
  input.text(optionalText(call.id, `${path}.id`) ?? '');
  for (const kind of ['function', 'custom'] as const) {
    const called = presentField(call, kind);
    if (called !== undefined) boundCalled(called, `${path}.${kind}`, input);
  }
}

function boundCalled(value: Json, path: string, input: InputBound): void {
  const called = objectOf(value, path);
  allowFields(called, CALLED_FIELDS, path);
  input.tokens(jsonTokens(called));
}

/** Returns how many tools there are. */
function boundTools(body: JsonObject, input: InputBound): number {
  const tools = optionalList(body.tools, 'tools');
  for (const [index, value] of tools.entries()) {
    const path = `tools[${index}]`;
    const tool = objectOf(value, path);
    const type = textOf(tool.type, `${path}.type`);
    if (!TOOL_TYPES.has(type)) {
      throw new CallRefused(unpricedFeature(`${path} of the type ${JSON.stringify(type.slice(0, 100))}`));
    }
    allowFields(tool, TOOL_FIELDS, path);
    const definition = objectOf(tool[type], `${path}.${type}`);
    allowFields(definition, type === 'function' ? FUNCTION_FIELDS : CUSTOM_FIELDS, `${path}.${type}`);
    input.tokens(jsonTokens(tool));
  }
  const functions = optionalList(body.functions, 'functions');
  for (const [index, value] of functions.entries()) {
    const path = `functions[${index}]`;
    allowFields(objectOf(value, path), FUNCTION_FIELDS, path);
    input.tokens(jsonTokens(value));
  }
  const count = tools.length + functions.length;
  input.tokens(templateTokens(TEMPLATE, 0, count) - TEMPLATE.request);
  return count;
}

function boundModalities(body: JsonObject, price: ModelPrice): UsageBound['outputClasses'] {
  const audio = presentField(body, 'audio') !== undefined;
  const modalities = optionalList(body.modalities, 'modalities');
  const unpriced = modalities.find(
    (modality) => modality !== 'text' && (modality !== 'audio' || !hasRate(price, 'outputAudio')),
  );
  if (unpriced !== undefined) {
    throw new CallRefused(unpricedFeature(`the modality ${JSON.stringify(unpriced)} of ${price.model}`));
  }
  if (audio && !hasRate(price, 'outputAudio')) throw new CallRefused(unpricedFeature(`audio from ${price.model}`));
  return audio || modalities.includes('audio') ? ['output', 'outputAudio'] : ['output'];
}

const SEEN = ['content', 'refusal', 'tool_calls', 'function_call', 'audio'] as const;

/** Bytes of everything that a choice shows of its tokens. */
export function visibleBytes(said: JsonObject): number {
  return SEEN.reduce((bytes, name) => {
    const value = presentField(said, name);
    if (value === undefined) return bytes;
    return bytes + (typeof value === 'string' ? textBytes(value) : jsonTokens(value));
  }, 0);
}
