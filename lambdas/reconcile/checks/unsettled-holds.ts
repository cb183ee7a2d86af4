import { costOf } from '../../../lib/budget/cost.ts';
import type { Hold } from '../../../lib/budget/ledger.ts';
import type { ModelPrice } from '../../../lib/budget/price-book.ts';
import { PROVIDERS } from '../../../lib/budget/price-book.ts';
import { WfloError } from '../../../lib/errors.ts';
import { type Check, type Look, lookAtEach } from '../check.ts';
import type { ReconcilePorts, RecordPorts } from '../ports.ts';

/** Each is a search in a log, of which CloudWatch allows few in a second. */
const HOLDS_PER_RUN = 50;
const AGAIN_MS = 10 * 60_000;
/** A record that has not come by then does not come (since the hold was made). */
const GIVE_UP_MS = 3 * 24 * 60 * 60_000;

/**
 * Calls of which nobody knows what they cost, where their provider keeps records: settled by what is recorded. All that was
 * held stays held until a record says what was used, or a person does. Does nothing where no records are set up.
 */
export const unsettledHolds: Check = {
  name: 'unsettled-holds',
  async run(ports) {
    const { records } = ports;
    if (records === undefined) return { repaired: 0, failures: [] };
    const now = ports.clock.now();
    const holds = await records.ledger.holdsToLookUp(now, HOLDS_PER_RUN);
    return lookAtEach(ports, holds, async (seen): Promise<Look> => {
      const { executionId } = seen.payer;
      let again = ports.clock.now().getTime() - Date.parse(seen.createdAt) < GIVE_UP_MS;
      let at = new Date(ports.clock.now().getTime() + AGAIN_MS).toISOString();
      try {
        // The list is a little behind.
        const hold = await ports.ledger.getHold(executionId, seen.holdId);
        if (hold?.state !== 'unsettled') return 'fine';
        const found = await settleByRecord(ports, records, hold);
        if (found.kind === 'person') {
          again = false;
          records.leftToPerson(hold, found.reason);
        } else if (found.kind === 'nothing') {
          if (!again) records.leftToPerson(hold, 'its provider has recorded nothing of it');
          at = found.at ?? at;
        }
        return 'fine';
      } finally {
        // Also after a failure: what always fails must stand before nothing.
        await records.ledger.lookUpAgain(executionId, seen.holdId, again ? at : undefined);
      }
    });
  },
};

type Found =
  | { readonly kind: 'settled' }
  /** There may be something later: not before `at`, where it is known. */
  | { readonly kind: 'nothing'; readonly at?: string }
  | { readonly kind: 'person'; readonly reason: string };

async function settleByRecord(
  { ledger }: ReconcilePorts,
  { records, prices }: RecordPorts,
  hold: Hold,
): Promise<Found> {
  const { payer, purpose, holdId } = hold;
  const { executionId } = payer;
  if (purpose.priceBook !== prices.sha256) return person('it was made by other prices than those of today');
  const price = priceOf(hold, prices);
  if (price === undefined) return person('its model has no price');
  const recorded = await records.usageOf(hold, price);
  switch (recorded?.kind) {
    case undefined:
      return { kind: 'nothing' };
    case 'later':
      return { kind: 'nothing', at: recorded.at };
    case 'unclear':
      return person(recorded.reason);
    case 'at_most': {
      const { cost, raw } = recorded;
      // Without usage: its tokens are of the day that they were used on, and entries are counted by that of settlement.
      await ledger.settle({ executionId, holdId, cost, source: 'reconciled', raw, reason: AT_MOST });
      return { kind: 'settled' };
    }
    case 'used':
      break;
  }
  const { usage, raw } = recorded;
  try {
    const cost = costOf(usage, price);
    // Above the hold it is spent in full as well: `watch-budgets` counts that.
    await ledger.settle({ executionId, holdId, cost, source: 'reconciled', usage, raw });
    return { kind: 'settled' };
  } catch (error) {
    if (WfloError.is(error) && error.code === 'unpriced_feature') return person(error.message);
    throw error;
  }
}

const AT_MOST = 'at most what the usage report of its provider has more than was settled';

function person(reason: string): Found {
  return { kind: 'person', reason };
}

function priceOf({ purpose }: Hold, { models }: RecordPorts['prices']): ModelPrice | undefined {
  const provider = PROVIDERS.find((each) => each === purpose.provider);
  return models.find((price) => price.provider === provider && price.model === purpose.model);
}
