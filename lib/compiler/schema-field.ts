import { isJsonObject, type Json, type JsonObject, type JsonSchema } from '../json.ts';
import { isUnknownSchema } from '../workflow/unknown-schema.ts';

export type Field =
  | {
      readonly found: true;
      /** The alternatives that the field may be; `{}` is anything. Empty where the schema could not be represented. */
      readonly schemas: readonly JsonObject[];
      /** The value may lack the field. A field with a default never lacks it. */
      readonly mayBeAbsent: boolean;
    }
  | { readonly found: false; readonly at: string; readonly known: readonly string[] };

export type ScalarType = 'string' | 'number' | 'integer' | 'boolean';

const SCALARS: readonly ScalarType[] = ['string', 'number', 'integer', 'boolean'];

/** Schemas may refer to themselves; a chain of references without a field between them ends here. */
const REFERENCE_LIMIT = 16;

/** Looks up the field at `path` in a JSON Schema as `z.toJSONSchema` writes it. */
export function fieldAt(root: JsonSchema, path: readonly string[]): Field {
  if (isUnknownSchema(root)) return { found: true, schemas: [], mayBeAbsent: false };
  let schemas = alternatives(root, root);
  let mayBeAbsent = false;
  for (const key of path) {
    const objects = schemas.filter((schema) => schema.type !== 'null');
    const fields = objects.map((schema) => ownField(schema, key));
    const known = [...new Set(objects.flatMap((schema) => Object.keys(objectOf(schema.properties))))];
    if (fields.length === 0 || fields.some((field) => field === undefined)) return { found: false, at: key, known };
    mayBeAbsent ||= objects.length < schemas.length || objects.some((schema) => isOptional(schema, key));
    schemas = fields.flatMap((field) => (field === undefined ? [] : alternatives(field, root)));
  }
  return { found: true, schemas, mayBeAbsent };
}

/** The one scalar type that a field always has; undefined where it has none, several, or may be null. */
export function scalarType(schemas: readonly JsonObject[]): ScalarType | undefined {
  const types = new Set(schemas.flatMap(typesOf));
  if (types.size === 2 && types.has('integer') && types.has('number')) return 'number';
  const [only] = types;
  return types.size === 1 ? SCALARS.find((scalar) => scalar === only) : undefined;
}

/** True where the value may be put into a text: any mixture of scalars. */
export function isText(schemas: readonly JsonObject[]): boolean {
  return schemas.every(
    (schema) => isAnything(schema) || typesOf(schema).every((type) => SCALARS.some((s) => s === type)),
  );
}

/** Nothing is known of the value: a schema such as `z.unknown()`. */
function isAnything(schema: JsonObject): boolean {
  return typesOf(schema).length === 0 && schema.properties === undefined;
}

function typesOf(schema: JsonObject): readonly string[] {
  if (typeof schema.type === 'string') return [schema.type];
  if (Array.isArray(schema.type)) return schema.type.filter((type) => typeof type === 'string');
  if (schema.const !== undefined) return [jsonType(schema.const)];
  return Array.isArray(schema.enum) ? [...new Set(schema.enum.map(jsonType))] : [];
}

function jsonType(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function ownField(schema: JsonObject, key: string): JsonObject | undefined {
  const properties = objectOf(schema.properties);
  const own = Object.hasOwn(properties, key) ? properties[key] : undefined;
  if (isJsonObject(own)) return own;
  return isJsonObject(schema.additionalProperties) ? schema.additionalProperties : undefined;
}

function isOptional(schema: JsonObject, key: string): boolean {
  const field = ownField(schema, key);
  if (field !== undefined && field.default !== undefined) return false;
  return !(Array.isArray(schema.required) && schema.required.includes(key));
}

/** Resolves `$ref`, and opens `anyOf`, `oneOf` and `allOf`. */
function alternatives(schema: JsonObject, root: JsonSchema, depth = 0): readonly JsonObject[] {
  if (depth > REFERENCE_LIMIT) return [];
  if (typeof schema.$ref === 'string') {
    const target = pointer(root, schema.$ref);
    return target === undefined ? [] : alternatives(target, root, depth + 1);
  }
  const either = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(either)) {
    return either.filter(isJsonObject).flatMap((option) => alternatives(option, root, depth + 1));
  }
  if (Array.isArray(schema.allOf)) {
    const parts = schema.allOf.filter(isJsonObject).flatMap((part) => alternatives(part, root, depth + 1));
    return [parts.reduce(merge, {})];
  }
  return [schema];
}

function merge(left: JsonObject, right: JsonObject): JsonObject {
  return {
    ...left,
    ...right,
    properties: { ...objectOf(left.properties), ...objectOf(right.properties) },
    required: [...listOf(left.required), ...listOf(right.required)],
  };
}

function pointer(root: JsonSchema, reference: string): JsonObject | undefined {
  const keys = reference
    .replace(/^#\/?/, '')
    .split('/')
    .filter((key) => key !== '');
  let at: Json | undefined = root;
  for (const key of keys) at = isJsonObject(at) ? at[key.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  return isJsonObject(at) ? at : undefined;
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
