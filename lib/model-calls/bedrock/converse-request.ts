import type { ModelPrice } from '../../budget/price-book.ts';
import type { UsageBound } from '../../budget/usage.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { allowFields, fieldPath } from '../allowed-fields.ts';
import { checkBetas, thinkingOf } from '../anthropic/claude-request.ts';
import { countField } from '../anthropic/count-field.ts';
import { type CacheTtl, InputTally } from '../anthropic/input-tally.ts';
import { outputCeiling } from '../output-ceiling.ts';
import { invalidField, unpricedFeature } from '../refusals.ts';
import { listOf, objectOf, textOf } from '../request-fields.ts';
import { CallRefused } from '../wire-format.ts';
import { checkRequestMetadata } from './call-mark.ts';
import { tallyConverseMessages, tallyConverseSystem, tallyConverseTools } from './converse-content.ts';

/** What a call of Converse can use at most. */
export interface ConverseRequest {
  readonly bound: UsageBound;
  /** Absent where a lower `maxTokens` bounds nothing. */
  readonly boundWithOutput?: (maxOutputTokens: number) => UsageBound;
  /** The `maxTokens` that has to be set, since the request names none. */
  readonly maxTokensToSet?: number;
  readonly notes: { readonly [header: string]: string };
  /** What cache writes count as where the answer does not split them. */
  readonly dearestTtl: CacheTtl;
  /** Reasoning may be used without being seen in a stream. */
  readonly hiddenUse: boolean;
}

/**
 * The members of the body. Not among them, and so refused: `guardrailConfig` (a guardrail has its own price),
 * `promptVariables` (a stored prompt is input that nobody here sees).
 */
const FIELDS = new Set([
  'messages',
  'system',
  'inferenceConfig',
  'toolConfig',
  'additionalModelRequestFields',
  'additionalModelResponseFieldPaths',
  'requestMetadata',
  'performanceConfig',
  'serviceTier',
  'outputConfig',
]);
const INFERENCE = new Set(['maxTokens', 'temperature', 'topP', 'stopSequences']);
const TOOL_CONFIG = new Set(['tools', 'toolChoice']);
const OUTPUT_CONFIG = new Set(['textFormat', 'effort']);

/** Bounds the body of `converse` and `converse-stream`. Throws `CallRefused`. */
export function boundConverseRequest(body: JsonObject, price: ModelPrice): ConverseRequest {
  allowFields(body, FIELDS, '');
  checkRequestMetadata(body.requestMetadata);
  checkStandard(body.performanceConfig, 'performanceConfig', 'latency', 'standard');
  checkStandard(body.serviceTier, 'serviceTier', 'type', 'default');
  const tally = new InputTally(price);
  tallyConverseMessages(body.messages, tally);
  if (isThere(body.system)) tallyConverseSystem(body.system, tally);
  if (isThere(body.toolConfig)) {
    const config = objectOf(body.toolConfig, 'toolConfig');
    allowFields(config, TOOL_CONFIG, 'toolConfig');
    tallyConverseTools(config.tools, 'toolConfig.tools', tally);
    if (isThere(config.toolChoice)) tally.json(config.toolChoice);
  }
  if (isThere(body.outputConfig)) {
    const config = objectOf(body.outputConfig, 'outputConfig');
    allowFields(config, OUTPUT_CONFIG, 'outputConfig');
    if (isThere(config.textFormat)) {
      tally.tool();
      tally.json(config.textFormat);
    }
  }

  const inference = isThere(body.inferenceConfig) ? objectOf(body.inferenceConfig, 'inferenceConfig') : {};
  allowFields(inference, INFERENCE, 'inferenceConfig');
  const named = countField(inference, 'maxTokens', 'inferenceConfig');
  const { tokens: maxTokens, notes } = outputCeiling(named, 'inferenceConfig.maxTokens', price, tally.tokens());
  const thinking = readAdditionalFields(body.additionalModelRequestFields, price.model);
  const bound = (maxOutputTokens: number): UsageBound => ({
    inputTokens: tally.tokens(),
    inputClasses: tally.classes(),
    outputTokens: maxOutputTokens,
    outputClasses: ['output'],
  });
  const beyondMaxTokens = thinking.budget !== undefined && thinking.budget > maxTokens;
  return {
    bound: bound(beyondMaxTokens ? price.contextWindow : maxTokens),
    ...(beyondMaxTokens ? {} : { boundWithOutput: bound }),
    ...(named === undefined ? { maxTokensToSet: maxTokens } : {}),
    notes,
    dearestTtl: tally.dearestTtl,
    hiddenUse: thinking.possible,
  };
}

const isThere = (value: Json | undefined): value is Json => value !== undefined && value !== null;

function checkStandard(value: Json | undefined, path: string, name: string, standard: string): void {
  if (!isThere(value)) return;
  const object = objectOf(value, path);
  allowFields(object, new Set([name]), path);
  if (isThere(object[name]) && object[name] !== standard) {
    throw new CallRefused(unpricedFeature(`${fieldPath(path, name)} ${JSON.stringify(object[name])}`));
  }
}

const CLAUDE_FIELDS = new Set(['thinking', 'anthropic_beta', 'top_k', 'output_config']);
const NOVA_FIELDS = new Set(['inferenceConfig']);
const NO_FIELDS = new Set<string>();
const EFFORT = new Set(['effort']);
const TOP_K = new Set(['topK']);

/** Members for one family of models, which could also overrule what the rest of the body says. */
function readAdditionalFields(
  value: Json | undefined,
  model: string,
): { readonly possible: boolean; readonly budget?: number } {
  if (!isThere(value)) return { possible: true };
  const path = 'additionalModelRequestFields';
  const fields = objectOf(value, path);
  const claude = isClaude(model);
  allowFields(fields, claude ? CLAUDE_FIELDS : /(?:^|\.)amazon\.nova-/.test(model) ? NOVA_FIELDS : NO_FIELDS, path);
  if (isJsonObject(fields.inferenceConfig)) allowFields(fields.inferenceConfig, TOP_K, `${path}.inferenceConfig`);
  else if (isThere(fields.inferenceConfig)) {
    throw new CallRefused(invalidField(`${path}.inferenceConfig`, 'has to be an object'));
  }
  if (isThere(fields.output_config)) {
    allowFields(objectOf(fields.output_config, `${path}.output_config`), EFFORT, `${path}.output_config`);
  }
  if (isThere(fields.anthropic_beta)) checkBetas(betasAt(fields.anthropic_beta, `${path}.anthropic_beta`));
  return claude ? thinkingOf(fields.thinking) : { possible: true };
}

export function betasAt(value: Json, path: string): readonly string[] {
  return listOf(value, path).map((beta, index) => textOf(beta, `${path}[${index}]`));
}

/** By id, also of an inference profile: `us.anthropic.claude-…`. */
export function isClaude(model: string): boolean {
  return /(?:^|[./])anthropic\.claude-/.test(model);
}
