import { createHash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };
/** JSON Schema, draft 2020-12, as `z.toJSONSchema` writes it. */
export type JsonSchema = JsonObject;

/** RFC 8785 canonical JSON: one text for one value. */
export function canonicalJson(value: unknown): string {
  return canonicalize(value);
}

/** Lower-case hex SHA-256. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
