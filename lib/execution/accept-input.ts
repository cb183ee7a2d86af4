import { WfloError } from '../errors.ts';
import { isJsonObject, type Json, type JsonSchema } from '../json.ts';
import { refusalOfJson } from './refusal-of-json.ts';
import { problemsError, validateJson } from './validate-json.ts';

/** The key of an input that holds options of Wflo itself instead of data of the workflow. */
export const OPTIONS_KEY = 'wflo';

/**
 * The input that a workflow works with: without the options, checked against its schema, with the defaults of the
 * schema. Throws `unknown_option` and, with all problems at once, `invalid_input`.
 */
export function acceptInput(workflow: { readonly name: string; readonly inputSchema: JsonSchema }, given: Json): Json {
  const refusal = refusalOfJson(given);
  if (refusal !== undefined) {
    throw new WfloError('invalid_input', `the input ${refusal}`, { fix: 'write it as text, or flatter' });
  }
  const data = withoutOptions(given);
  const verdict = validateJson(workflow.inputSchema, data);
  if (verdict.ok) return verdict.value;
  throw problemsError(
    'invalid_input',
    `the input does not fit the workflow ${workflow.name}`,
    verdict.problems,
    'correct the named fields and start again',
  );
}

/** An option that does not exist must fail: whoever sets one relies on it, such as on a lower budget. */
function withoutOptions(given: Json): Json {
  if (!isJsonObject(given) || !Object.hasOwn(given, OPTIONS_KEY)) return given;
  const { [OPTIONS_KEY]: options, ...data } = given;
  if (!isJsonObject(options)) {
    throw new WfloError('unknown_option', `the key "${OPTIONS_KEY}" of the input is not an object of options`, {
      fix: `leave "${OPTIONS_KEY}" out, or rename the field of the workflow: the key is reserved`,
    });
  }
  const names = Object.keys(options);
  if (names.length > 0) {
    throw new WfloError('unknown_option', `there is no option ${names.map((name) => `"${name}"`).join(', ')}`, {
      fix: `leave it out of "${OPTIONS_KEY}"; this version has no options`,
    });
  }
  return data;
}
