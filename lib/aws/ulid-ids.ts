import { randomBytes } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import type { Clock, Ids } from '../ports.ts';

/** ULIDs of one process rise also within a millisecond, so that its events sort in the order they were made. */
export function ulidIds(clock: Clock): Ids {
  const ulid = monotonicFactory(() => randomBytes(4).readUInt32BE() / 2 ** 32);
  return {
    next: () => ulid(clock.now().getTime()),
    secret: () => randomBytes(32).toString('base64url'),
  };
}
