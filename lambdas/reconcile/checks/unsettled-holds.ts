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
      try {
        // The list is a little behind.
        const hold = await ports.ledger.getHold(executionId, seen.holdId);
        if (hold?.state !== 'unsettled') return 'fine';
        const left = await settleByRecord(ports, records, hold);
        if (left !== undefined) {
          again = false;
          records.leftToPerson(hold, left);
        } else if (!again) records.leftToPerson(hold, 'its provider has recorded nothing of it');
        return 'fine';
      } finally {
        // Also after a failure: what always fails must stand before nothing.
        const at = new Date(ports.clock.now().getTime() + AGAIN_MS).toISOString();
        await records.ledger.lookUpAgain(executionId, seen.holdId, again ? at : undefined);
      }
    });
  },
};

/** Why a person has to decide; undefined where it is settled, or may be later. */
async function settleByRecord(
  { ledger }: ReconcilePorts,
  { records, prices }: RecordPorts,
  hold: Hold,
): Promise<string | undefined> {
  const { payer, purpose, holdId } = hold;
  if (purpose.priceBook !== prices.sha256) return 'it was made by other prices than those of today';
  const price = priceOf(hold, prices);
  if (price === undefined) return 'its model has no price';
  const recorded = await records.usageOf(hold, price);
  if (recorded === undefined) return undefined;
  if (recorded.kind === 'unclear') return recorded.reason;
  const { usage, raw } = recorded;
  try {
    const cost = costOf(usage, price);
    const { executionId } = payer;
    // Above the hold it is spent in full as well: `watch-budgets` counts that.
    await ledger.settle({ executionId, holdId, cost, source: 'reconciled', usage, raw });
    return undefined;
  } catch (error) {
    if (WfloError.is(error) && error.code === 'unpriced_feature') return error.message;
    throw error;
  }
}

function priceOf({ purpose }: Hold, { models }: RecordPorts['prices']): ModelPrice | undefined {
  const provider = PROVIDERS.find((each) => each === purpose.provider);
  return models.find((price) => price.provider === provider && price.model === purpose.model);
}
