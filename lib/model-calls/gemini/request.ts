import type { ModelPrice } from '../../budget/price-book.ts';
import type { UsageBound } from '../../budget/usage.ts';
import type { Json, JsonObject } from '../../json.ts';
import { allowFields } from '../allowed-fields.ts';
import { jsonTokens, type TemplateTokens, templateTokens, textBytes } from '../bound-text.ts';
import { InputBound } from '../input-bound.ts';
import { type OutputCeiling, outputCeiling } from '../output-ceiling.ts';
import { hasRate, pricedOf } from '../priced-classes.ts';
import { invalidField, unpricedFeature } from '../refusals.ts';
import {
  listOf,
  objectOf,
  optionalAmount,
  optionalList,
  optionalText,
  presentField,
  textOf,
} from '../request-fields.ts';
import { CallRefused } from '../wire-format.ts';

/** Not among them, since they bring input that nobody here sees: `cachedContent`, `continuationToken`. */
const FIELDS = new Set([
  'contents',
  'generationConfig',
  'labels',
  'model',
  'safetySettings',
  'serviceTier',
  'store',
  'systemInstruction',
  'toolConfig',
  'tools',
]);
const CONFIG_FIELDS = new Set([
  'candidateCount',
  'enableEnhancedCivicAnswers',
  'frequencyPenalty',
  'logprobs',
  'maxOutputTokens',
  'mediaResolution',
  'presencePenalty',
  'responseJsonSchema',
  'responseLogprobs',
  'responseMimeType',
  'responseModalities',
  'responseSchema',
  'seed',
  'stopSequences',
  'temperature',
  'thinkingConfig',
  'topK',
  'topP',
]);
const THINKING_FIELDS = new Set(['includeThoughts', 'thinkingBudget', 'thinkingLevel']);
const CONTENT_FIELDS = new Set(['role', 'parts']);
const PART_FIELDS = new Set([
  'codeExecutionResult',
  'executableCode',
  'functionCall',
  'functionResponse',
  'inlineData',
  'text',
  'thought',
  'thoughtSignature',
]);
const DATA_FIELDS = new Set(['data', 'displayName', 'mimeType']);
const CALL_FIELDS = new Set(['args', 'id', 'name']);
const RESPONSE_FIELDS = new Set(['id', 'name', 'response', 'scheduling', 'willContinue']);
const TOOL_FIELDS = new Set(['functionDeclarations']);
const DECLARATION_FIELDS = new Set([
  'behavior',
  'description',
  'name',
  'parameters',
  'parametersJsonSchema',
  // Google's own Python package writes these two so; the API takes both spellings.
  'parameters_json_schema',
  'response',
  'responseJsonSchema',
  'response_json_schema',
]);
const TOOL_CONFIG_FIELDS = new Set(['functionCallingConfig']);

const TEMPLATE: TemplateTokens = { request: 64, message: 16, tools: 128, tool: 32 };
const PART_TOKENS = 8;
const MOST_CANDIDATES = 8;

/** The models before thinking. */
const NEVER_THINKS = /^gemini-(1\.\d|2\.0)-/;
/** Here a budget of 0 turns thinking off, by the documentation; other models refuse it or think all the same. */
const CAN_STOP_THINKING = /^gemini-2\.5-flash/;

export interface GeminiRequest {
  readonly choices: number;
  readonly hasTools: boolean;
  readonly mayThink: boolean;
  readonly bound: UsageBound;
  boundWithOutput(maxOutputTokens: number): UsageBound;
  readonly ceiling: OutputCeiling;
  readonly upstreamBody: JsonObject;
}

/** Throws `CallRefused` for what is malformed or has no price. */
export function parseGeminiRequest(body: JsonObject, price: ModelPrice): GeminiRequest {
  allowFields(body, FIELDS, '');
  checkModel(body, price);
  checkTier(body);
  const given = presentField(body, 'generationConfig');
  const config = given === undefined ? {} : objectOf(given, 'generationConfig');
  allowFields(config, CONFIG_FIELDS, 'generationConfig');

  const input = new InputBound(price);
  if (hasRate(price, 'cacheRead')) input.mayBe('cacheRead');
  const media = mediaOf(config);
  boundContents(body, input, price, media);
  const hasTools = boundTools(body, input);
  for (const name of ['responseSchema', 'responseJsonSchema']) {
    const schema = presentField(config, name);
    if (schema !== undefined) input.tokens(jsonTokens(schema));
  }

  const path = 'generationConfig.maxOutputTokens';
  const asked = optionalAmount(config.maxOutputTokens, path, Number.MAX_SAFE_INTEGER);
  const ceiling = outputCeiling(asked, path, price, input.total());
  const choices = optionalAmount(config.candidateCount, 'generationConfig.candidateCount', MOST_CANDIDATES) ?? 1;
  const mayThink = mayThinkOf(config, price);
  const outputClasses = boundModalities(config, price);
  const boundWithOutput = (maxOutputTokens: number): UsageBound => ({
    inputTokens: input.total(),
    inputClasses: input.classes(),
    outputTokens: (maxOutputTokens + (mayThink ? price.maxOutputTokens : 0)) * choices,
    outputClasses,
  });
  return {
    choices,
    hasTools,
    mayThink,
    bound: boundWithOutput(ceiling.tokens),
    boundWithOutput,
    ceiling,
    upstreamBody: { ...body, generationConfig: { ...config, maxOutputTokens: ceiling.tokens } },
  };
}

/** `model` may stand in the body as well as in the path. */
function checkModel(body: JsonObject, price: ModelPrice): void {
  const model = optionalText(body.model, 'model');
  if (model !== undefined && model !== price.model && model !== `models/${price.model}`) {
    throw new CallRefused(invalidField('model', 'is another than that of the path'));
  }
}

function checkTier(body: JsonObject): void {
  const tier = presentField(body, 'serviceTier');
  if (tier !== undefined && tier !== 'standard' && tier !== 'unspecified') {
    throw new CallRefused(unpricedFeature(`serviceTier ${JSON.stringify(tier)}`, 'use standard'));
  }
}

/**
 * Whether thoughts may come on top of `maxOutputTokens`. Where it was measured, the ceiling was for both together, but
 * the documentation does not promise it, so that a model which may think is bounded as if its thoughts were another
 * answer of full length.
 */
function mayThinkOf(config: JsonObject, price: ModelPrice): boolean {
  const given = presentField(config, 'thinkingConfig');
  const field = 'generationConfig.thinkingConfig';
  const thinking = given === undefined ? {} : objectOf(given, field);
  allowFields(thinking, THINKING_FIELDS, field);
  if (NEVER_THINKS.test(price.model)) return false;
  return !(thinking.thinkingBudget === 0 && CAN_STOP_THINKING.test(price.model));
}

function boundModalities(config: JsonObject, price: ModelPrice): UsageBound['outputClasses'] {
  for (const modality of optionalList(config.responseModalities, 'generationConfig.responseModalities')) {
    const priced =
      modality === 'TEXT' ||
      (modality === 'IMAGE' && hasRate(price, 'outputImage')) ||
      (modality === 'AUDIO' && hasRate(price, 'outputAudio'));
    if (!priced) throw new CallRefused(unpricedFeature(`the modality ${JSON.stringify(modality)} of ${price.model}`));
  }
  // Without a list, a model that makes images may make one.
  return ['output', ...pricedOf(price, ['outputImage', 'outputAudio'])];
}

interface Media {
  /** An image may be read with more tokens than usual. */
  readonly enlarged: boolean;
}

function mediaOf(config: JsonObject): Media {
  const resolution = optionalText(config.mediaResolution, 'generationConfig.mediaResolution');
  return { enlarged: resolution !== undefined && !/_(UNSPECIFIED|LOW|MEDIUM)$/.test(resolution) };
}

function boundContents(body: JsonObject, input: InputBound, price: ModelPrice, media: Media): void {
  const contents = listOf(body.contents, 'contents');
  if (contents.length === 0) throw new CallRefused(invalidField('contents', 'must have a content'));
  const system = presentField(body, 'systemInstruction');
  input.tokens(templateTokens(TEMPLATE, contents.length + (system === undefined ? 0 : 1), 0));
  if (system !== undefined) boundContent(system, 'systemInstruction', input, price, media);
  for (const [index, content] of contents.entries()) boundContent(content, `contents[${index}]`, input, price, media);
}

function boundContent(value: Json, path: string, input: InputBound, price: ModelPrice, media: Media): void {
  const content = objectOf(value, path);
  allowFields(content, CONTENT_FIELDS, path);
  input.text(optionalText(content.role, `${path}.role`) ?? '');
  for (const [index, part] of optionalList(content.parts, `${path}.parts`).entries()) {
    boundPart(objectOf(part, `${path}.parts[${index}]`), `${path}.parts[${index}]`, input, price, media);
  }
}

function boundPart(part: JsonObject, path: string, input: InputBound, price: ModelPrice, media: Media): void {
  allowFields(part, PART_FIELDS, path);
  input.tokens(PART_TOKENS);
  input.text(optionalText(part.text, `${path}.text`) ?? '');
  const signature = optionalText(part.thoughtSignature, `${path}.thoughtSignature`);
  // It stands for thoughts of one earlier answer, which is no longer than an answer can be.
  if (signature !== undefined) input.tokens(Math.max(price.maxOutputTokens, textBytes(signature)));
  for (const name of ['executableCode', 'codeExecutionResult'] as const) {
    const value = presentField(part, name);
    if (value !== undefined) input.tokens(jsonTokens(value));
  }
  boundNamed(part, 'functionCall', CALL_FIELDS, path, input);
  boundNamed(part, 'functionResponse', RESPONSE_FIELDS, path, input);
  const data = presentField(part, 'inlineData');
  if (data !== undefined) boundData(objectOf(data, `${path}.inlineData`), `${path}.inlineData`, input, price, media);
}

function boundNamed(
  part: JsonObject,
  name: string,
  fields: ReadonlySet<string>,
  path: string,
  input: InputBound,
): void {
  const value = presentField(part, name);
  if (value === undefined) return;
  allowFields(objectOf(value, `${path}.${name}`), fields, `${path}.${name}`);
  input.tokens(TEMPLATE.message + jsonTokens(value));
}

function boundData(data: JsonObject, path: string, input: InputBound, price: ModelPrice, media: Media): void {
  allowFields(data, DATA_FIELDS, path);
  const type = textOf(data.mimeType, `${path}.mimeType`).toLowerCase();
  const content = textOf(data.data, `${path}.data`);
  if (type.startsWith('image/')) {
    input.image(path);
    if (media.enlarged) input.wholeWindow();
  } else if (type.startsWith('audio/')) {
    input.audio(path);
    for (const token of pricedOf(price, ['inputAudio', 'cacheReadAudio'])) input.mayBe(token);
  } else if (type.startsWith('text/') || type === 'application/json') {
    input.text(content);
  } else if (type === 'application/pdf') {
    input.document(path);
  } else {
    throw new CallRefused(unpricedFeature(`${path} of the type ${JSON.stringify(type.slice(0, 100))}`));
  }
}

/** Tools of the provider search as often as they like, so only functions are taken. */
function boundTools(body: JsonObject, input: InputBound): boolean {
  let count = 0;
  for (const [index, value] of optionalList(body.tools, 'tools').entries()) {
    const path = `tools[${index}]`;
    const tool = objectOf(value, path);
    allowFields(tool, TOOL_FIELDS, path);
    const declarations = optionalList(tool.functionDeclarations, `${path}.functionDeclarations`);
    for (const [at, declaration] of declarations.entries()) {
      const field = `${path}.functionDeclarations[${at}]`;
      allowFields(objectOf(declaration, field), DECLARATION_FIELDS, field);
      input.tokens(jsonTokens(declaration));
    }
    count += declarations.length;
  }
  const config = presentField(body, 'toolConfig');
  if (config !== undefined) {
    allowFields(objectOf(config, 'toolConfig'), TOOL_CONFIG_FIELDS, 'toolConfig');
    input.tokens(jsonTokens(config));
  }
  input.tokens(templateTokens(TEMPLATE, 0, count) - TEMPLATE.request);
  return count > 0;
}
