import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { fieldPath } from '../allowed-fields.ts';
import { invalidField } from '../refusals.ts';
import { CallRefused } from '../wire-format.ts';

/** Each reads one field of a request, and throws `invalid_request` with its path where it has another type. */

export function objectAt(value: Json | undefined, path: string): JsonObject {
  if (!isJsonObject(value)) throw new CallRefused(invalidField(path, 'has to be an object'));
  return value;
}

export function listAt(value: Json | undefined, path: string): readonly Json[] {
  if (!Array.isArray(value)) throw new CallRefused(invalidField(path, 'has to be a list'));
  return value;
}

export function textAt(value: Json | undefined, path: string): string {
  if (typeof value !== 'string') throw new CallRefused(invalidField(path, 'has to be a text'));
  return value;
}

/** Undefined where the field is missing or null. */
export function optionalCountOf(object: JsonObject, name: string, path: string): number | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new CallRefused(invalidField(fieldPath(path, name), 'has to be a whole number, 0 or more'));
  }
  return value;
}
