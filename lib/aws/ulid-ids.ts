import { randomBytes, randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import type { Clock, Ids } from '../ports.ts';

/** ULIDs of one process rise also within a millisecond, so that its events sort in the order they were made. */
export function ulidIds(clock: Clock): Ids {
  const ulid = monotonicFactory(randomNumbers());
  return {
    next: () => ulid(clock.now().getTime()),
    secret: () => randomBytes(32).toString('base64url'),
  };
}

/** Random numbers from 0 to 1. An id takes sixteen of them, and a call to the system for each is most of its time. */
function randomNumbers(): () => number {
  const drawn = new Uint32Array(1024);
  let next = drawn.length;
  return () => {
    if (next === drawn.length) {
      randomFillSync(drawn);
      next = 0;
    }
    const number = drawn[next] ?? 0;
    next += 1;
    return number / 2 ** 32;
  };
}
