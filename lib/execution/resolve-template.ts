import { WfloError } from '../errors.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { RefData, Template } from '../workflow/template.ts';

/** Stored values by where a reference reads them: `input`, or the path of a step. Absent: not loaded, or never stored. */
export interface LoadedValues {
  readonly input: Json | undefined;
  readonly steps: ReadonlyMap<string, Json>;
}

/** Fills the references of a template. Throws `reference_not_resolved` with the name of the reference. */
export function resolveTemplate(template: Template, values: LoadedValues): Json {
  if ('literal' in template) return template.literal;
  if ('ref' in template) return resolveRef(template.ref, values);
  if ('text' in template) return template.text.map((part) => resolveText(part, values)).join('');
  if ('list' in template) return template.list.map((entry) => resolveTemplate(entry, values));
  // fromEntries defines own properties, so that a key such as `__proto__` stays data.
  return Object.fromEntries(
    Object.entries(template.object).map(([key, entry]) => [key, resolveTemplate(entry, values)]),
  );
}

/** Like `resolveTemplate`, for places that hold text: an argument, an environment variable, a part of a text. */
export function resolveText(template: Template, values: LoadedValues): string {
  const value = resolveTemplate(template, values);
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new WfloError(
    'reference_not_resolved',
    `${'ref' in template ? refName(template.ref) : 'a value'} is ${kindOf(value)}, and a text needs a string, number or boolean`,
    { fix: 'reference a field of the value, or pass the value as JSON in the input of the step' },
  );
}

function resolveRef(ref: RefData, values: LoadedValues): Json {
  const root = ref.source.from === 'input' ? values.input : values.steps.get(ref.source.step);
  const value = root === undefined ? undefined : readPath(root, ref.path);
  if (value === undefined) {
    throw new WfloError('reference_not_resolved', `${refName(ref)} is missing in what was stored`, {
      fix: 'make the field required in the schema, or give it a default',
    });
  }
  return value;
}

/** The value below a path of property names (list positions as decimal numbers); undefined where there is none. */
export function readPath(value: Json, path: readonly string[]): Json | undefined {
  let current: Json = value;
  for (const name of path) {
    let next: Json | undefined;
    if (Array.isArray(current))
      next = /^(0|[1-9]\d*)$/.test(name) ? (current as readonly Json[])[Number(name)] : undefined;
    else if (isJsonObject(current) && Object.hasOwn(current, name)) next = current[name];
    if (next === undefined) return undefined;
    current = next;
  }
  return current;
}

/** As an author wrote it: `input.table`, `plan-cleanup.output.ids`. */
export function refName(ref: RefData): string {
  const root = ref.source.from === 'input' ? 'input' : `${ref.source.step}.output`;
  return [root, ...ref.path].join('.');
}

function kindOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : 'an object';
}
