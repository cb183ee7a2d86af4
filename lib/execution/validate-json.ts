import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { WfloError } from '../errors.ts';
import { canonicalJson, type Json, type JsonSchema } from '../json.ts';

export interface JsonProblem {
  /** JSON pointer into the value; '' is the value itself. */
  readonly pointer: string;
  readonly reason: string;
}

export type JsonVerdict =
  | { readonly ok: true /** The value with the defaults of the schema. */; readonly value: Json }
  | { readonly ok: false; readonly problems: readonly JsonProblem[] };

/** More problems than this are counted, not listed: the list is stored and shown to a person. */
const LISTED_PROBLEMS = 20;
/** Pointers and reasons may quote property names of any length. */
const QUOTED_CHARACTERS = 200;
/** A function serves few schemas; the bound keeps a long-lived one from growing. */
const CACHED_VALIDATORS = 200;

const validators = new Map<string, ValidateFunction>();

/** Checks a value against a JSON Schema (2020-12, with formats) and finds all problems. The value given is not changed. */
export function validateJson(schema: JsonSchema, value: Json): JsonVerdict {
  const validate = validatorOf(schema);
  const completed = structuredClone(value);
  if (validate(completed)) return { ok: true, value: completed };
  return { ok: false, problems: (validate.errors ?? []).map(toProblem) };
}

function validatorOf(schema: JsonSchema): ValidateFunction {
  const key = canonicalJson(schema);
  const known = validators.get(key);
  if (known !== undefined) return known;
  const [oldest] = validators.keys();
  if (oldest !== undefined && validators.size >= CACHED_VALIDATORS) validators.delete(oldest);
  // An instance per schema: two workflows may use the same `$id`. Not strict, because schemas come from generators.
  const ajv = new Ajv2020({ allErrors: true, useDefaults: true, strict: false });
  addFormats.default(ajv);
  try {
    const validate = ajv.compile(schema);
    validators.set(key, validate);
    return validate;
  } catch (cause) {
    throw new WfloError('schema_not_representable', `the JSON Schema cannot be used: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Reasons name the rule, never the value, which may be confidential. */
function toProblem(error: ErrorObject): JsonProblem {
  const params = error.params as { readonly [name: string]: unknown };
  const extra = params.additionalProperty ?? params.unevaluatedProperty;
  const allowed = Array.isArray(params.allowedValues) ? `: ${params.allowedValues.join(', ')}` : '';
  const named = extra === undefined ? '' : `: "${String(extra)}"`;
  return {
    pointer: shorten(error.instancePath),
    reason: shorten(`${error.message ?? error.keyword}${named}${allowed}`),
  };
}

function shorten(text: string): string {
  return text.length <= QUOTED_CHARACTERS ? text : `${text.slice(0, QUOTED_CHARACTERS)}…`;
}

/** An error that lists the problems in its message and, as data, in its details. */
export function problemsError(
  code: 'invalid_input' | 'invalid_output',
  subject: string,
  problems: readonly JsonProblem[],
  fix: string,
): WfloError {
  const listed = problems.slice(0, LISTED_PROBLEMS);
  const lines = listed.map(({ pointer, reason }) => `${pointer === '' ? '(the whole value)' : pointer} ${reason}`);
  const more = problems.length - listed.length;
  return new WfloError(code, `${subject}: ${[...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')}`, {
    fix,
    details: { problems: listed, total: problems.length },
  });
}
