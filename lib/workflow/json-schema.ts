import { z } from 'zod';
import type { JsonSchema } from '../json.ts';

/** The JSON Schema of a Zod schema, or why there is none. */
export type Representation =
  | { readonly ok: true; readonly schema: JsonSchema }
  | { readonly ok: false; readonly reasons: readonly string[] };

/** Kinds of schema that run a function, and functions do not travel into the cloud. */
const RUNS_A_FUNCTION: ReadonlyMap<string, string> = new Map([
  ['transform', 'a transform'],
  ['pipe', 'a pipe, preprocess or transform'],
  ['catch', 'a catch'],
  ['custom', 'a custom check'],
]);

/** Checks that run a function: `z.toJSONSchema` would leave them out without a word. */
const CHECK_RUNS_A_FUNCTION: ReadonlyMap<string, string> = new Map([
  ['custom', 'a refine or superRefine'],
  ['overwrite', 'a trim, lower-case or other overwrite'],
]);

/** `io: 'input'`, so that a field with a default may be absent and the default is in the schema. */
export function representSchema(schema: unknown): Representation {
  if (!isZod(schema)) return { ok: false, reasons: ['is not a Zod 4 schema'] };
  const reasons = new Set<string>();
  try {
    const json = z.toJSONSchema(schema, {
      io: 'input',
      target: 'draft-2020-12',
      override({ zodSchema, path }) {
        const where = fieldOf(path);
        const { def } = zodSchema._zod;
        const kind = RUNS_A_FUNCTION.get(def.type);
        if (kind !== undefined) reasons.add(`${where} has ${kind}, which JSON Schema cannot express`);
        for (const check of def.checks ?? []) {
          const name = CHECK_RUNS_A_FUNCTION.get(check._zod.def.check);
          if (name !== undefined) reasons.add(`${where} has ${name}, which JSON Schema cannot express`);
        }
      },
    });
    if (reasons.size > 0) return { ok: false, reasons: [...reasons] };
    return { ok: true, schema: JSON.parse(JSON.stringify(json)) as JsonSchema };
  } catch (error) {
    return { ok: false, reasons: [error instanceof Error ? error.message : String(error)] };
  }
}

export function isZodObject(schema: unknown): boolean {
  return isZod(schema) && schema._zod.def.type === 'object';
}

function isZod(schema: unknown): schema is z.ZodType {
  return typeof schema === 'object' && schema !== null && '_zod' in schema;
}

function fieldOf(path: readonly (string | number)[]): string {
  const fields = path.filter((part, index) => part !== 'properties' || path[index - 1] === 'properties');
  return fields.length === 0 ? 'the schema' : `"${fields.join('.')}"`;
}
