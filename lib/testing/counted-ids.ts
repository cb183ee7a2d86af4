import { sha256 } from '../json.ts';
import type { Ids } from '../ports.ts';

/** The same ids in the same test, so that nothing of a run is left to chance. */
export function countedIds(): Ids {
  let ids = 0;
  let secrets = 0;
  return {
    next() {
      ids += 1;
      return `01${String(ids).padStart(24, '0')}`;
    },
    secret() {
      secrets += 1;
      return Buffer.from(sha256(`secret ${secrets}`), 'hex').toString('base64url');
    },
  };
}
