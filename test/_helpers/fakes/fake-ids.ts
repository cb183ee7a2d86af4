import { createHash } from 'node:crypto';
import type { Ids } from '../../../lib/ports.ts';

/** Counts: `…0001`, `…0002` …; secrets are hashes of their own count. */
export class FakeIds implements Ids {
  #ids = 0;
  #secrets = 0;

  next(): string {
    this.#ids += 1;
    return `01${String(this.#ids).padStart(24, '0')}`;
  }

  secret(): string {
    this.#secrets += 1;
    return createHash('sha256').update(`secret ${this.#secrets}`).digest('base64url');
  }
}
