import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Hex SHA-256 of `records.json`. */
export function seedHash(): string {
  return createHash('sha256')
    .update(readFileSync(new URL('records.json', import.meta.url)))
    .digest('hex');
}
