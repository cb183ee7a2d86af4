import type { OutboxItem } from '../../../lib/audit/events.ts';
import { type RelayPorts, relayItem } from '../../relay-events/relay.ts';
import { type Check, type Look, lookAtEach, shuffled } from '../check.ts';

/** The stream delivers within seconds; what is unpublished for longer was skipped or has failed. */
const UNPUBLISHED_MS = 60_000;
const ITEMS_PER_RUN = 1000;

/** Outbox items that the stream did not get published: its records live for a day, and some targets skip them. */
export const unpublishedEvents: Check = {
  name: 'unpublished-events',
  async run(ports) {
    const now = ports.clock.now();
    const before = new Date(now.getTime() - UNPUBLISHED_MS);
    const items = await ports.outbox.listUnpublished(before, ITEMS_PER_RUN);
    // Events of one execution keep their order: after a failure its later ones wait, and those of others do not.
    const outcome = await lookAtEach(
      ports,
      shuffled(items, executionOf, now),
      (item) => relay(ports, item),
      executionOf,
    );
    const [first] = items;
    if (first === undefined) return outcome;
    return { ...outcome, lateSeconds: Math.floor((before.getTime() - Date.parse(first.createdAt)) / 1000) };
  },
};

const executionOf = ({ executionId }: OutboxItem): string => executionId;

async function relay(ports: RelayPorts, item: OutboxItem): Promise<Look> {
  await relayItem(ports, item, item);
  return 'repaired';
}
