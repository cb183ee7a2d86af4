import { relayItem } from '../../relay-events/relay.ts';
import { type Check, lookAtEach } from '../check.ts';

/** The stream delivers within seconds; what is unpublished for longer was skipped or has failed. */
const UNPUBLISHED_MS = 60_000;
const ITEMS_PER_RUN = 200;

/** Outbox items that the stream did not get published: its records live for a day, and some targets skip them. */
export const unpublishedEvents: Check = {
  name: 'unpublished-events',
  async run(ports) {
    const before = new Date(ports.clock.now().getTime() - UNPUBLISHED_MS);
    const items = await ports.outbox.listUnpublished(before, ITEMS_PER_RUN);
    // Events of one execution keep their order: after a failure its later ones wait.
    const stuck = new Set<string>();
    return lookAtEach(ports, items, async (item) => {
      if (stuck.has(item.executionId)) return 'fine';
      try {
        await relayItem(ports, item, item);
        return 'repaired';
      } catch (error) {
        stuck.add(item.executionId);
        throw error;
      }
    });
  },
};
