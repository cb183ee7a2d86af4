import { WfloError } from '../../lib/errors.ts';
import type { WorkflowConfig } from '../../lib/execution/machine.ts';
import { problemsError, validateJson } from '../../lib/execution/validate-json.ts';
import { isJsonObject, type Json } from '../../lib/json.ts';

/** Largest input of StartExecution, in bytes of UTF-8 [AWS: Step Functions quotas]. */
export const INPUT_LIMIT_BYTES = 256 * 1024;

/**
 * Refuses what Open would refuse, before anything is started. The `wflo` key of the input holds options of the
 * execution, of which this version has none; it is not part of what the schema describes.
 */
export function checkInput(config: WorkflowConfig, input: Json): void {
  const bytes = Buffer.byteLength(JSON.stringify(input));
  if (bytes > INPUT_LIMIT_BYTES) {
    throw new WfloError('invalid_input', `the input has ${bytes} bytes, and may have ${INPUT_LIMIT_BYTES}`, {
      fix: 'store the data in S3 and pass its key',
    });
  }
  const verdict = validateJson(config.inputSchema, withoutOptions(input));
  if (!verdict.ok) {
    throw problemsError(
      'invalid_input',
      `the input does not fit the workflow ${config.name}`,
      verdict.problems,
      'correct the input; nothing was started',
    );
  }
}

function withoutOptions(input: Json): Json {
  if (!isJsonObject(input) || !Object.hasOwn(input, 'wflo')) return input;
  const { wflo: options, ...rest } = input;
  const names = isJsonObject(options ?? null) ? Object.keys(options as object) : undefined;
  if (names === undefined || names.length > 0) {
    const found = names === undefined ? 'is no object' : `has ${names.map((name) => `"${name}"`).join(', ')}`;
    throw new WfloError('unknown_option', `the key "wflo" of the input ${found}, and no option exists`, {
      fix: 'remove the key "wflo" from the input',
      details: { options: names ?? [] },
    });
  }
  return rest;
}
