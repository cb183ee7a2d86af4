import { WfloError } from '../errors.ts';

/** A record changes a few times in its life; more rounds than this are a mistake, not a race. */
const MAX_ROUNDS = 20;

/**
 * Reads, decides and commits again while somebody else is faster: `round` answers undefined when its commit was refused.
 * Throws `internal` when that does not end.
 */
export async function untilDecided<T>(round: () => Promise<T | undefined>): Promise<T> {
  for (let count = 0; count < MAX_ROUNDS; count += 1) {
    const decided = await round();
    if (decided !== undefined) return decided;
  }
  throw new WfloError('internal', `a commit was refused ${MAX_ROUNDS} times, although the records allow it`);
}
