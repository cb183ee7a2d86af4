import { WfloError } from '../errors.ts';
import type { Json } from '../json.ts';
import type { RefAlias } from './machine.ts';
import { readPath } from './resolve-template.ts';

/** What the scalars of one step, or of the input, may take up in the state of the machine (UTF-8 bytes of their JSON). */
export const REFS_LIMIT_BYTES = 4 * 1024;

export type Scalar = string | number | boolean | null;

/**
 * The scalars that conditions and waits read, by alias. A field that is absent is null, so that every path of the
 * state exists. Throws `not_a_scalar` and `ref_too_large`.
 */
export function pickRefs(value: Json | undefined, aliases: readonly RefAlias[]): { readonly [alias: string]: Scalar } {
  const refs = Object.fromEntries(
    aliases.map(({ alias, path }) => [alias, scalarAt(value === undefined ? undefined : readPath(value, path), path)]),
  );
  const bytes = Buffer.byteLength(JSON.stringify(refs));
  if (bytes > REFS_LIMIT_BYTES) {
    const names = aliases.map(({ path }) => path.join('.')).join(', ');
    throw new WfloError(
      'ref_too_large',
      `the fields ${names} take ${bytes} bytes, and ${REFS_LIMIT_BYTES} fit the state`,
      {
        fix: 'compare a short field, such as a status word, instead of a long text',
      },
    );
  }
  return refs;
}

function scalarAt(value: Json | undefined, path: readonly string[]): Scalar {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw new WfloError(
    'not_a_scalar',
    `the field ${path.join('.')} is ${Array.isArray(value) ? 'a list' : 'an object'}`,
    {
      fix: 'compare a string, number or boolean field',
    },
  );
}
