import type { Json } from '../json.ts';

/** A count as a provider gives it; undefined for what is none: absent, negative, a fraction, a text. */
export function tokenCount(value: Json | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** Like `tokenCount`, for a count that a provider leaves out where it is 0. */
export function optionalCount(value: Json | undefined): number | undefined {
  return value === undefined || value === null ? 0 : tokenCount(value);
}
