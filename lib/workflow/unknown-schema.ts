import type { JsonSchema } from '../json.ts';

/** Stands for a schema that could not be represented: it admits every reference, so that one mistake is one finding. */
export const UNKNOWN_SCHEMA: JsonSchema = { $comment: 'not representable' };

export function isUnknownSchema(schema: JsonSchema): boolean {
  return schema.$comment === UNKNOWN_SCHEMA.$comment;
}
