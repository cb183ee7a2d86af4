import { isJsonObject, type Json, type JsonObject } from '../json.ts';

/** The part of JSONPath that the compiler writes: `$`, `$.steps.plan.next`, `$[0].plan`. Throws where there is nothing. */
export function readJsonPath(path: string, data: Json): Json {
  let value: Json | undefined = data;
  for (const key of keysOf(path)) {
    if (Array.isArray(value)) value = (value as readonly Json[])[Number(key)];
    else value = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    if (value === undefined) throw new Error(`the state has nothing at ${path}`);
  }
  return value;
}

/** `data` with `value` at a path of names. */
export function writeJsonPath(path: string, data: Json, value: Json): Json {
  return write(keysOf(path), data, value);
}

function write([key, ...rest]: readonly string[], data: Json, value: Json): Json {
  if (key === undefined) return value;
  const holder: JsonObject = isJsonObject(data) ? data : {};
  return { ...holder, [key]: write(rest, holder[key] ?? {}, value) };
}

/** `Parameters` or a `ResultSelector` with its paths filled in. `context` is what `$$` reads. */
export function fillTemplate(template: Json, data: Json, context: Json): Json {
  if (Array.isArray(template)) return (template as readonly Json[]).map((item) => fillTemplate(item, data, context));
  if (!isJsonObject(template)) return template;
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) =>
      key.endsWith('.$') && typeof value === 'string'
        ? [key.slice(0, -2), fillPath(value, data, context)]
        : [key, fillTemplate(value, data, context)],
    ),
  );
}

function fillPath(path: string, data: Json, context: Json): Json {
  const formatted = /^States\.Format\('\{\}', (\$\S+)\)$/.exec(path)?.[1];
  if (formatted !== undefined) return String(readJsonPath(formatted, data));
  return path.startsWith('$$') ? readJsonPath(path.slice(1), context) : readJsonPath(path, data);
}

function keysOf(path: string): readonly string[] {
  if (!/^\$(\.[A-Za-z0-9_]+|\[\d+\])*$/.test(path)) throw new Error(`${path} is no path that the compiler writes`);
  return [...path.matchAll(/[A-Za-z0-9_]+/g)].map(([key]) => key);
}
