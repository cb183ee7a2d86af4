import type { ModelPrice } from '../../budget/price-book.ts';
import type { FeeClass, UsageBound } from '../../budget/usage.ts';
import type { Json, JsonObject } from '../../json.ts';
import { allowFields } from '../allowed-fields.ts';
import { jsonTokens, type TemplateTokens, templateTokens } from '../bound-text.ts';
import { InputBound } from '../input-bound.ts';
import { type OutputCeiling, outputCeiling } from '../output-ceiling.ts';
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

/**
 * Fields that are known, and cost nothing but the tokens that are counted here. Not among them, since they bring input
 * that nobody here sees or run on unseen: `background`, `previous_response_id`, `conversation`, `prompt`.
 */
const FIELDS = new Set([
  'include',
  'input',
  'instructions',
  'max_output_tokens',
  'max_tool_calls',
  'metadata',
  'model',
  'parallel_tool_calls',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'reasoning',
  'safety_identifier',
  'service_tier',
  'store',
  'stream',
  'stream_options',
  'temperature',
  'text',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'truncation',
  'user',
]);
const STREAM_OPTIONS = new Set(['include_obfuscation']);
const CACHE_OPTIONS = new Set(['mode', 'ttl']);
/** `mode: 'pro'` has prices of its own. */
const REASONING_FIELDS = new Set(['context', 'effort', 'generate_summary', 'summary']);
const TEXT_FIELDS = new Set(['format', 'verbosity']);
const INCLUDES = new Set<Json>([
  'code_interpreter_call.outputs',
  'file_search_call.results',
  'message.input_image.image_url',
  'message.output_text.logprobs',
  'reasoning.encrypted_content',
  'web_search_call.action.sources',
]);

const MESSAGE_FIELDS = new Set(['type', 'role', 'content', 'id', 'status', 'phase']);
const ROLES = new Set(['user', 'assistant', 'system', 'developer']);
const CALL_FIELDS = new Set(['type', 'id', 'call_id', 'name', 'arguments', 'input', 'status']);
const OUTPUT_FIELDS = new Set(['type', 'id', 'call_id', 'name', 'output', 'status']);
/** What the provider keeps of earlier turns: how much it reads again is not to be seen. */
const HIDDEN_ITEMS = new Set(['reasoning', 'web_search_call', 'file_search_call', 'code_interpreter_call']);
const PART_FIELDS: { readonly [type: string]: ReadonlySet<string> } = {
  input_text: new Set(['type', 'text', 'prompt_cache_breakpoint']),
  output_text: new Set(['type', 'text', 'annotations', 'logprobs']),
  refusal: new Set(['type', 'refusal']),
  input_image: new Set(['type', 'image_url', 'detail', 'prompt_cache_breakpoint']),
  input_file: new Set(['type', 'file_data', 'file_url', 'filename', 'detail', 'prompt_cache_breakpoint']),
};

const FUNCTION_FIELDS = new Set(['type', 'name', 'description', 'parameters', 'strict']);
const CUSTOM_FIELDS = new Set(['type', 'name', 'description', 'format']);

interface ServerTool {
  readonly fee: FeeClass;
  readonly fields: ReadonlySet<string>;
}
const WEB_SEARCH: ServerTool = {
  fee: 'webSearch',
  fields: new Set(['type', 'filters', 'search_context_size', 'user_location', 'external_web_access']),
};
const SERVER_TOOLS: { readonly [type: string]: ServerTool } = {
  web_search: WEB_SEARCH,
  web_search_2025_08_26: WEB_SEARCH,
  file_search: {
    fee: 'fileSearch',
    fields: new Set(['type', 'vector_store_ids', 'filters', 'max_num_results', 'ranking_options']),
  },
  code_interpreter: { fee: 'codeInterpreter', fields: new Set(['type', 'container']) },
};
const CONTAINER_FIELDS = new Set(['type']);
/** Their search content is charged as a fixed block of tokens, which is not in the usage. */
const BLOCK_SEARCH_MODELS = /^gpt-4(o|\.1)-mini/;
const MOST_TOOL_CALLS = 128;

const TEMPLATE: TemplateTokens = { request: 64, message: 16, tools: 128, tool: 32 };
const PART_TOKENS = 8;

export interface ResponsesRequest {
  readonly stream: boolean;
  readonly hasTools: boolean;
  /** Output items that are charged by the piece, by the tools that are asked for. */
  readonly fees: ReadonlySet<FeeClass>;
  readonly bound: UsageBound;
  boundWithOutput(maxOutputTokens: number): UsageBound;
  readonly ceiling: OutputCeiling;
  readonly upstreamBody: JsonObject;
}

/** Throws `CallRefused` for what is malformed or has no price. */
export function parseResponsesRequest(body: JsonObject, price: ModelPrice): ResponsesRequest {
  if (body.background === true) throw new CallRefused(unpricedFeature('background'));
  const { background: _, ...rest } = body;
  allowFields(rest, FIELDS, '');
  refuseOtherTiers(body);
  checkRetention(body);
  checkOptions(body);
  const input = new InputBound(price);
  boundCache(input, price);
  boundCacheOptions(body, input, price);
  boundInput(body, input, price);
  const tools = boundTools(body, input, price);
  for (const name of ['text', 'tool_choice']) {
    const value = presentField(body, name);
    if (value !== undefined) input.tokens(jsonTokens(value));
  }

  const uses = toolUses(body, tools.fees);
  const rounds = 1 + uses;
  const inputTokens = uses === 0 ? input.total() : price.contextWindow * rounds;
  const asked = optionalAmount(body.max_output_tokens, 'max_output_tokens', Number.MAX_SAFE_INTEGER);
  const ceiling = outputCeiling(asked, 'max_output_tokens', price, input.total());
  const boundWithOutput = (maxOutputTokens: number): UsageBound => ({
    inputTokens,
    inputClasses: input.classes(),
    outputTokens: maxOutputTokens * rounds,
    outputClasses: ['output'],
    ...(uses === 0 ? {} : { fees: Object.fromEntries([...tools.fees].map((fee) => [fee, uses])) }),
  });
  return {
    stream: optionalFlag(body.stream, 'stream'),
    hasTools: tools.count > 0,
    fees: tools.fees,
    bound: boundWithOutput(ceiling.tokens),
    boundWithOutput,
    ceiling,
    upstreamBody: { ...rest, max_output_tokens: ceiling.tokens, service_tier: 'default' },
  };
}

/**
 * A tool of the provider is used as often as the model likes, and each time all of the context is read again: only with
 * `max_tool_calls` is there an end to it.
 */
function toolUses(body: JsonObject, fees: ReadonlySet<FeeClass>): number {
  const uses = optionalAmount(body.max_tool_calls, 'max_tool_calls', MOST_TOOL_CALLS);
  if (fees.size === 0) return 0;
  if (uses === undefined) {
    throw new CallRefused(unpricedFeature('a tool of the provider without max_tool_calls', 'give max_tool_calls'));
  }
  return uses;
}

function checkOptions(body: JsonObject): void {
  allowNested(body, 'stream_options', STREAM_OPTIONS);
  allowNested(body, 'text', TEXT_FIELDS);
  const reasoning = presentField(body, 'reasoning');
  if (reasoning !== undefined) {
    const { mode, ...rest } = objectOf(reasoning, 'reasoning');
    allowFields(rest, REASONING_FIELDS, 'reasoning');
    if (mode !== undefined && mode !== null && mode !== 'standard') {
      throw new CallRefused(unpricedFeature(`reasoning.mode ${JSON.stringify(mode).slice(0, 100)}`));
    }
  }
  for (const value of optionalList(body.include, 'include')) {
    if (!INCLUDES.has(value)) throw new CallRefused(unpricedFeature(`include ${JSON.stringify(value).slice(0, 100)}`));
  }
}

function allowNested(body: JsonObject, name: string, allowed: ReadonlySet<string>): void {
  const value = presentField(body, name);
  if (value !== undefined) allowFields(objectOf(value, name), allowed, name);
}

function boundCacheOptions(body: JsonObject, input: InputBound, price: ModelPrice): void {
  const value = presentField(body, 'prompt_cache_options');
  if (value === undefined) return;
  const options = objectOf(value, 'prompt_cache_options');
  allowFields(options, CACHE_OPTIONS, 'prompt_cache_options');
  boundCacheTtl(options.ttl, 'prompt_cache_options.ttl', input, price);
}

function boundInput(body: JsonObject, input: InputBound, price: ModelPrice): void {
  const instructions = optionalText(body.instructions, 'instructions');
  input.tokens(templateTokens(TEMPLATE, instructions === undefined ? 0 : 1, 0));
  input.text(instructions ?? '');
  const given = presentField(body, 'input');
  if (given === undefined) throw new CallRefused(invalidField('input', 'must be given'));
  if (typeof given === 'string') {
    input.tokens(TEMPLATE.message);
    input.text(given);
    return;
  }
  for (const [index, value] of listOf(given, 'input').entries()) {
    boundItem(objectOf(value, `input[${index}]`), `input[${index}]`, input, price);
  }
}

function boundItem(item: JsonObject, path: string, input: InputBound, price: ModelPrice): void {
  input.tokens(TEMPLATE.message);
  const type = optionalText(item.type, `${path}.type`) ?? (item.role === undefined ? 'item_reference' : 'message');
  if (HIDDEN_ITEMS.has(type)) {
    input.wholeWindow();
    return;
  }
  switch (type) {
    case 'message': {
      allowFields(item, MESSAGE_FIELDS, path);
      const role = textOf(item.role, `${path}.role`);
      if (!ROLES.has(role)) throw new CallRefused(invalidField(`${path}.role`, 'is none that can be priced'));
      boundContent(item.content, `${path}.content`, input, price);
      break;
    }
    case 'function_call':
    case 'custom_tool_call':
      allowFields(item, CALL_FIELDS, path);
      input.tokens(jsonTokens(item));
      break;
    case 'function_call_output':
    case 'custom_tool_call_output':
      allowFields(item, OUTPUT_FIELDS, path);
      input.text(optionalText(item.call_id, `${path}.call_id`) ?? '');
      input.text(optionalText(item.name, `${path}.name`) ?? '');
      boundContent(item.output, `${path}.output`, input, price);
      break;
    default:
      throw new CallRefused(unpricedFeature(`${path} of the type ${JSON.stringify(type.slice(0, 100))}`));
  }
}

function boundContent(content: Json | undefined, path: string, input: InputBound, price: ModelPrice): void {
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
  boundBreakpoint(part, path, input, price);
  input.tokens(PART_TOKENS);
  switch (type) {
    case 'input_image':
      textOf(part.image_url, `${path}.image_url`);
      input.image(path);
      break;
    case 'input_file':
      input.document(path);
      break;
    case 'refusal':
      input.text(textOf(part.refusal, `${path}.refusal`));
      break;
    default:
      input.text(textOf(part.text, `${path}.text`));
      if (part.annotations !== undefined) input.tokens(jsonTokens(part.annotations));
  }
}

function boundTools(
  body: JsonObject,
  input: InputBound,
  price: ModelPrice,
): { readonly count: number; readonly fees: ReadonlySet<FeeClass> } {
  const fees = new Set<FeeClass>();
  const tools = optionalList(body.tools, 'tools');
  for (const [index, value] of tools.entries()) {
    const path = `tools[${index}]`;
    const tool = objectOf(value, path);
    const type = textOf(tool.type, `${path}.type`);
    const server = Object.hasOwn(SERVER_TOOLS, type) ? SERVER_TOOLS[type] : undefined;
    if (server !== undefined) {
      allowFields(tool, server.fields, path);
      if (type === 'code_interpreter') checkContainer(tool, path);
      if (price.fees[server.fee] === undefined || (server === WEB_SEARCH && BLOCK_SEARCH_MODELS.test(price.model))) {
        throw new CallRefused(unpricedFeature(`${path}: ${type} for ${price.model}`));
      }
      fees.add(server.fee);
    } else if (type === 'function' || type === 'custom') {
      allowFields(tool, type === 'function' ? FUNCTION_FIELDS : CUSTOM_FIELDS, path);
    } else {
      throw new CallRefused(unpricedFeature(`${path} of the type ${JSON.stringify(type.slice(0, 100))}`));
    }
    input.tokens(jsonTokens(tool));
  }
  input.tokens(templateTokens(TEMPLATE, 0, tools.length) - TEMPLATE.request);
  return { count: tools.length, fees };
}

/** Larger containers, and those that hold files, have other prices. */
function checkContainer(tool: JsonObject, path: string): void {
  const field = `${path}.container`;
  const container = objectOf(tool.container, field);
  allowFields(container, CONTAINER_FIELDS, field);
  if (container.type !== 'auto') throw new CallRefused(unpricedFeature(`${field} of another type than auto`));
}
