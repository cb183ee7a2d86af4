import type { ModelPrice } from '../../budget/price-book.ts';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { isUntrusted, type ReadUsage, readAs } from '../anthropic/claude-usage.ts';
import { hasRate } from '../priced-classes.ts';
import { optionalCount, tokenCount } from '../token-count.ts';
import { CALL_MARK } from './call-mark.ts';
import { readConverseUsage } from './converse-usage.ts';

/** What a record says was used, or why it does not say it surely. */
export type ReadRecord =
  | Extract<ReturnType<typeof readAs>, { kind: 'reported' }>
  | { readonly kind: 'unknown'; readonly reason: string };

const OPERATIONS: ReadonlySet<unknown> = new Set([
  'Converse',
  'ConverseStream',
  'InvokeModel',
  'InvokeModelWithResponseStream',
]);

/** The record of one invocation that carries the mark of this hold; undefined for everything else in the log. */
export function markedRecord(message: string, holdId: string): JsonObject | undefined {
  let record: unknown;
  try {
    record = JSON.parse(message);
  } catch {
    return undefined;
  }
  if (!isJsonObject(record) || record.schemaType !== 'ModelInvocationLog') return undefined;
  // Elsewhere the id may be said by anybody, such as in a prompt.
  const { requestMetadata } = record;
  return isJsonObject(requestMetadata) && requestMetadata[CALL_MARK] === holdId ? record : undefined;
}

/**
 * What a record of schema version 1.0 says: `input.inputTokenCount`, its cache counts and `output.outputTokenCount`. It
 * does not tell how long a cache write lives: the usage in the body of Converse does, where bodies are logged; else the
 * writes count as the dearer kind. Counts of nothing are not believed: what was broken off is not free.
 */
export function readInvocationRecord(record: JsonObject, price: ModelPrice): ReadRecord {
  const problem = problemOf(record, price);
  if (problem !== undefined) return { kind: 'unknown', reason: problem };
  const input = objectAt(record, 'input');
  const output = objectAt(record, 'output');
  const raw = {
    requestId: record.requestId ?? null,
    modelId: record.modelId ?? null,
    inputTokenCount: input.inputTokenCount ?? null,
    outputTokenCount: output.outputTokenCount ?? null,
    cacheReadInputTokenCount: input.cacheReadInputTokenCount ?? null,
    cacheWriteInputTokenCount: input.cacheWriteInputTokenCount ?? null,
  };
  const metered = readAs(usageOf(input, output, price), raw, price);
  return metered.kind === 'reported'
    ? metered
    : { kind: 'unknown', reason: metered.kind === 'unknown' ? metered.reason : 'the record says nothing' };
}

function problemOf(record: JsonObject, { model }: ModelPrice): string | undefined {
  const { errorCode, modelId, operation, schemaVersion } = record;
  if (schemaVersion !== '1.0') return `the record has the schema version ${JSON.stringify(schemaVersion ?? null)}`;
  if (!OPERATIONS.has(operation)) return `the record is of the operation ${JSON.stringify(operation ?? null)}`;
  // A call through an inference profile is recorded with the ARN of the profile.
  if (typeof modelId !== 'string' || (modelId !== model && !modelId.endsWith(`/${model}`))) {
    return `the record is of the model ${JSON.stringify(modelId ?? null)}`;
  }
  if (errorCode !== undefined && errorCode !== null) return `the call failed with ${JSON.stringify(errorCode)}`;
  return otherwise(record.performanceConfig, 'latency', 'standard') ?? otherwise(record.serviceTier, 'type', 'default');
}

/** Asked for as standard; the record may say that it was not. */
function otherwise(value: Json | undefined, name: string, standard: string): string | undefined {
  const served = isJsonObject(value) ? value[name] : value;
  return served === undefined || served === null || served === standard
    ? undefined
    : `the ${name} was ${JSON.stringify(served)}, which has no price here`;
}

function usageOf(input: JsonObject, output: JsonObject, price: ModelPrice): ReadUsage {
  const inputTokens = tokenCount(input.inputTokenCount);
  const outputTokens = tokenCount(output.outputTokenCount);
  const cacheRead = optionalCount(input.cacheReadInputTokenCount);
  const written = optionalCount(input.cacheWriteInputTokenCount);
  if (inputTokens === undefined || outputTokens === undefined) {
    return { untrusted: 'the record lacks inputTokenCount or outputTokenCount' };
  }
  if (cacheRead === undefined || written === undefined) {
    return { untrusted: 'the record has a cache count that is no number' };
  }
  if (inputTokens + cacheRead + written === 0 || outputTokens === 0) {
    return { untrusted: 'the record counts no tokens of input, or none of output' };
  }
  const dearest = hasRate(price, 'cacheWrite1h') ? '1h' : '5m';
  const body = output.outputBodyJson;
  if (isJsonObject(body) && isJsonObject(body.usage) && 'inputTokens' in body.usage) {
    const read = readConverseUsage(body, dearest);
    if (isUntrusted(read)) return read;
    const agrees = read.tokens.input === inputTokens && read.tokens.output === outputTokens;
    return agrees ? read : { untrusted: 'the record counts other tokens than the answer in it' };
  }
  return {
    tokens: {
      input: inputTokens,
      output: outputTokens,
      cacheRead,
      ...(dearest === '1h' ? { cacheWrite1h: written } : { cacheWrite5m: written }),
    },
  };
}

function objectAt(record: JsonObject, name: string): JsonObject {
  const value = record[name];
  return isJsonObject(value) ? value : {};
}
