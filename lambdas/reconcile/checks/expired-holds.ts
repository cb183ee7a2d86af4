import type { Hold } from '../../../lib/budget/ledger.ts';
import { type Check, type Look, lookAtEach, shuffled } from '../check.ts';

const HOLDS_PER_RUN = 1000;

/**
 * Calls that nobody settled or renewed in time: whoever made them was cut off. What they cost is not known, so all of it
 * stays held, and is listed until the provider's records or a person settle it. It never becomes zero.
 */
export const expiredHolds: Check = {
  name: 'expired-holds',
  async run(ports) {
    const now = ports.clock.now();
    const holds = await ports.ledger.expiredHolds(now, HOLDS_PER_RUN);
    const outcome = await lookAtEach(ports, shuffled(holds, nameOf, now), async (hold): Promise<Look> => {
      const { payer, holdId } = hold;
      // The list is a little behind: what was renewed or settled since is left as it is.
      const current = await ports.ledger.getHold(payer.executionId, holdId);
      if (current?.state !== 'open' || current.expiresAt === undefined || current.expiresAt >= now.toISOString()) {
        return 'fine';
      }
      const changed = await ports.ledger.unsettle(payer.executionId, holdId, REASON);
      return changed ? 'repaired' : 'fine';
    });
    const [first] = holds;
    if (first?.expiresAt === undefined) return outcome;
    return { ...outcome, lateSeconds: Math.floor((now.getTime() - Date.parse(first.expiresAt)) / 1000) };
  },
};

const REASON = 'the gateway that made the call ended before it could settle it';

const nameOf = ({ payer, holdId }: Hold): string => `${payer.executionId} ${holdId}`;
