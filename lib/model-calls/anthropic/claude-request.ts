import type { ModelPrice } from '../../budget/price-book.ts';
import type { UsageBound } from '../../budget/usage.ts';
import type { Json, JsonObject } from '../../json.ts';
import { allowFields, fieldPath } from '../allowed-fields.ts';
import { outputCeiling } from '../output-ceiling.ts';
import { invalidField, unpricedFeature } from '../refusals.ts';
import { listOf, objectOf, textOf } from '../request-fields.ts';
import { CallRefused } from '../wire-format.ts';
import { tallyCacheControl, tallyContent, tallyMessages } from './claude-content.ts';
import { countField } from './count-field.ts';
import { type CacheTtl, InputTally } from './input-tally.ts';

/** What a request to Claude can use at most, whichever provider serves it. */
export interface ClaudeRequest {
  readonly bound: UsageBound;
  /** Absent where a lower `max_tokens` bounds nothing. */
  readonly boundWithOutput?: (maxOutputTokens: number) => UsageBound;
  /** The `max_tokens` that has to be set, since the request names none. */
  readonly maxTokensToSet?: number;
  readonly notes: { readonly [header: string]: string };
  readonly asked: AskedOfClaude;
}

/** What the usage of an answer is read by. */
export interface AskedOfClaude {
  /** What cache writes count as where the answer does not split them. */
  readonly dearestTtl: CacheTtl;
  readonly webSearch: boolean;
  /** Reasoning or rounds of a server tool may be used without being seen in a stream. */
  readonly hiddenUse: boolean;
}

/** Fields that have no price, and are text for the model or not at all. */
const FIELDS: ReadonlySet<string> = new Set([
  'messages',
  'system',
  'max_tokens',
  'stop_sequences',
  'temperature',
  'top_p',
  'top_k',
  'metadata',
  'thinking',
  'tool_choice',
  'tools',
  'cache_control',
  'output_config',
  'output_format',
]);

/**
 * Bounds a request in the shape of Anthropic's Messages API. `also` are the fields that only this provider's surface has,
 * already looked at. Throws `CallRefused`.
 */
export function boundClaudeRequest(body: JsonObject, price: ModelPrice, also: ReadonlySet<string>): ClaudeRequest {
  allowFields(body, new Set([...FIELDS, ...also]), '');
  const tally = new InputTally(price);
  tallyMessages(body.messages, tally);
  if (isThere(body.system)) tallyContent(body.system, 'system', tally);
  tallyCacheControl(body, '', tally);
  const searches = isThere(body.tools) ? tallyTools(body.tools, tally) : undefined;
  if (isThere(body.tool_choice)) tally.json(body.tool_choice);
  if (isThere(body.stop_sequences)) listOf(body.stop_sequences, 'stop_sequences');
  tallyOutputShape(body, tally);

  const named = countField(body, 'max_tokens', '');
  const { tokens: maxTokens, notes } = outputCeiling(named, 'max_tokens', price, tally.tokens());
  const thinking = thinkingOf(body.thinking);
  const rounds = 1 + (searches ?? 0);
  const classes = classesOf(price, tally, searches);
  const bound = (maxOutputTokens: number): UsageBound => ({
    inputTokens: searches === undefined ? tally.tokens() : rounds * price.contextWindow,
    inputClasses: classes,
    outputTokens: rounds * maxOutputTokens,
    outputClasses: ['output'],
    ...(searches === undefined ? {} : { fees: { webSearch: searches } }),
  });
  // Interleaved thinking counts its budget over a whole turn, up to the window, and not within max_tokens.
  const beyondMaxTokens = thinking.budget !== undefined && thinking.budget > maxTokens;
  return {
    bound: bound(beyondMaxTokens ? price.contextWindow : maxTokens),
    ...(beyondMaxTokens ? {} : { boundWithOutput: bound }),
    ...(named === undefined ? { maxTokensToSet: maxTokens } : {}),
    notes,
    asked: {
      dearestTtl: tally.dearestTtl,
      webSearch: searches !== undefined,
      hiddenUse: thinking.possible || searches !== undefined,
    },
  };
}

const isThere = (value: Json | undefined): value is Json => value !== undefined && value !== null;

/** A server tool writes what it has found to the cache by itself. */
function classesOf(price: ModelPrice, tally: InputTally, searches: number | undefined): UsageBound['inputClasses'] {
  if (searches === undefined) return tally.classes();
  if (price.fees.webSearch === undefined) throw new CallRefused(unpricedFeature(`web search for ${price.model}`));
  tally.cached('5m');
  return tally.classes();
}

const TOOL = new Set([
  'type',
  'name',
  'description',
  'input_schema',
  'cache_control',
  'strict',
  'eager_input_streaming',
  'input_examples',
]);
const WEB_SEARCH = new Set([
  'type',
  'name',
  'max_uses',
  'allowed_domains',
  'blocked_domains',
  'user_location',
  'cache_control',
]);
/** Run by the client; what the model is told about them is the provider's, and is not published. */
const CLIENT_TOOL_TYPES = /^(?:bash|text_editor|memory)_\d{8}$/;
const CLIENT_TOOL = new Set(['type', 'name', 'max_characters', 'cache_control', 'strict', 'input_examples']);
/** More searches than an answer ever makes: the bound of a greater number would be no use. */
const MAX_SEARCHES = 1000;

/** The most web searches; undefined where that tool is not there. */
function tallyTools(tools: Json, tally: InputTally): number | undefined {
  let searches: number | undefined;
  listOf(tools, 'tools').forEach((value, index) => {
    const path = `tools[${index}]`;
    const tool = objectOf(value, path);
    tallyCacheControl(tool, path, tally);
    const type = tool.type ?? 'custom';
    tally.tool();
    if (type === 'custom') {
      allowFields(tool, TOOL, path);
      textOf(tool.name, `${path}.name`);
      const { cache_control: _, ...shown } = tool;
      tally.json(shown);
    } else if (typeof type === 'string' && CLIENT_TOOL_TYPES.test(type)) {
      allowFields(tool, CLIENT_TOOL, path);
      tally.window();
    } else if (type === 'web_search_20250305') {
      allowFields(tool, WEB_SEARCH, path);
      searches = (searches ?? 0) + searchesOf(tool, path);
    } else {
      throw new CallRefused(unpricedFeature(`a tool of type ${JSON.stringify(type)} (${path})`));
    }
  });
  return searches;
}

function searchesOf(tool: JsonObject, path: string): number {
  const uses = countField(tool, 'max_uses', path);
  if (uses === undefined) {
    throw new CallRefused(unpricedFeature(`web search without a limit (${path})`, 'set max_uses'));
  }
  if (uses > MAX_SEARCHES) {
    throw new CallRefused(invalidField(fieldPath(path, 'max_uses'), `has to be at most ${MAX_SEARCHES}`));
  }
  return uses;
}

const OUTPUT_CONFIG = new Set(['effort', 'format']);
const OUTPUT_FORMAT = new Set(['type', 'schema']);

/** A schema of the output becomes part of what the model reads. */
function tallyOutputShape(body: JsonObject, tally: InputTally): void {
  const format = (value: Json | undefined, path: string) => {
    if (!isThere(value)) return;
    allowFields(objectOf(value, path), OUTPUT_FORMAT, path);
    tally.tool();
    tally.json(value);
  };
  format(body.output_format, 'output_format');
  if (!isThere(body.output_config)) return;
  const config = objectOf(body.output_config, 'output_config');
  allowFields(config, OUTPUT_CONFIG, 'output_config');
  format(config.format, 'output_config.format');
}

const THINKING = new Set(['type', 'budget_tokens', 'display']);
const THINKING_TYPES: ReadonlySet<Json | undefined> = new Set(['enabled', 'adaptive', 'between_tools', 'disabled']);

/** Whether the model may think unseen: what it does without the field depends on the model. */
export function thinkingOf(value: Json | undefined): { readonly possible: boolean; readonly budget?: number } {
  if (!isThere(value)) return { possible: true };
  const thinking = objectOf(value, 'thinking');
  allowFields(thinking, THINKING, 'thinking');
  if (!THINKING_TYPES.has(thinking.type)) {
    throw new CallRefused(unpricedFeature(`thinking.type ${JSON.stringify(thinking.type ?? null)}`));
  }
  const budget = countField(thinking, 'budget_tokens', 'thinking');
  return { possible: thinking.type !== 'disabled', ...(budget === undefined ? {} : { budget }) };
}

/**
 * Beta features that change no price: what they do is bounded here, or they are what the API does by itself today. Any
 * other is refused by its name.
 */
const BETAS: ReadonlySet<string> = new Set([
  'prompt-caching-2024-07-31',
  'extended-cache-ttl-2025-04-11',
  'token-counting-2024-11-01',
  'pdfs-2024-09-25',
  'token-efficient-tools-2025-02-19',
  'fine-grained-tool-streaming-2025-05-14',
  'interleaved-thinking-2025-05-14',
  'model-context-window-exceeded-2025-08-26',
  'structured-outputs-2025-11-13',
]);

export function checkBetas(betas: readonly string[]): void {
  for (const beta of betas) {
    if (!BETAS.has(beta))
      throw new CallRefused(unpricedFeature(`the beta feature ${JSON.stringify(beta.slice(0, 100))}`));
  }
}
