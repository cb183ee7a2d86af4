import type { JsonObject } from '../../json.ts';
import { fieldPath } from '../allowed-fields.ts';
import { invalidField } from '../refusals.ts';
import { CallRefused } from '../wire-format.ts';

/**
 * A whole number, 0 or more; undefined where the field is missing or null. Throws `invalid_request` with its path for
 * anything else. Claude takes a `max_tokens` of 0, which only fills its cache.
 */
export function countField(object: JsonObject, name: string, path: string): number | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new CallRefused(invalidField(fieldPath(path, name), 'must be a whole number, 0 or more'));
  }
  return value;
}
