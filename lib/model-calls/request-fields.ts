import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { invalidField } from './refusals.ts';
import { CallRefused } from './wire-format.ts';

/** Readers of fields of a request; `null` is absent, as in every SDK. All throw `CallRefused` with `invalid_request`. */

export function presentField(object: JsonObject, name: string): Json | undefined {
  return object[name] ?? undefined;
}

export function textOf(value: Json | undefined, path: string): string {
  if (typeof value !== 'string') throw invalid(path, 'must be a text');
  return value;
}

export function optionalText(value: Json | undefined, path: string): string | undefined {
  return value === undefined || value === null ? undefined : textOf(value, path);
}

export function objectOf(value: Json | undefined, path: string): JsonObject {
  if (!isJsonObject(value)) throw invalid(path, 'must be an object');
  return value;
}

export function listOf(value: Json | undefined, path: string): readonly Json[] {
  if (!Array.isArray(value)) throw invalid(path, 'must be a list');
  return value;
}

export function optionalList(value: Json | undefined, path: string): readonly Json[] {
  return value === undefined || value === null ? [] : listOf(value, path);
}

export function optionalFlag(value: Json | undefined, path: string): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') throw invalid(path, 'must be true or false');
  return value;
}

/** A whole number from 1 on. */
export function optionalAmount(value: Json | undefined, path: string, most: number): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > most) {
    throw invalid(path, `must be a whole number from 1 to ${most}`);
  }
  return value;
}

function invalid(path: string, what: string): CallRefused {
  return new CallRefused(invalidField(path === '' ? 'the body' : path, what));
}
