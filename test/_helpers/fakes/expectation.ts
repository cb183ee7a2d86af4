import { isDeepStrictEqual } from 'node:util';
import type { Expect } from '../../../lib/ports.ts';

/** Whether a stored record fits an expectation. */
export function holds<R extends object>(record: R, expect: Expect<R>): boolean {
  return Object.entries(expect).every(([field, wanted]) => {
    const value = (record as Record<string, unknown>)[field];
    if (isOneOf(wanted)) return wanted.oneOf.some((one) => isDeepStrictEqual(value, one));
    if (isAbsent(wanted)) return value === undefined;
    return isDeepStrictEqual(value, wanted);
  });
}

function isOneOf(wanted: unknown): wanted is { readonly oneOf: readonly unknown[] } {
  return typeof wanted === 'object' && wanted !== null && 'oneOf' in wanted && Array.isArray(wanted.oneOf);
}

function isAbsent(wanted: unknown): boolean {
  return typeof wanted === 'object' && wanted !== null && 'absent' in wanted && wanted.absent === true;
}
