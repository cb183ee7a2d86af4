import { buildEvent } from '../../lib/audit/build-event.ts';
import type { OutboxItem } from '../../lib/audit/events.ts';
import { parseOutboxItem } from '../../lib/audit/parse-outbox-item.ts';
import { SCHEMA } from '../../lib/execution/records.ts';
import { canonicalJson, sha256 } from '../../lib/json.ts';
import type { AuditStore, Clock, EventBus, Ids, OutboxStore } from '../../lib/ports.ts';

export interface RelayPorts {
  readonly outbox: OutboxStore;
  readonly audit: AuditStore;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Which item of the Events table: known from its key, whatever is in it. */
export interface OutboxKey {
  readonly executionId: string;
  readonly outboxId: string;
}

/**
 * Appends the events of one outbox item to the chain, then publishes them. On a replay the chain finds the item and
 * appends nothing, and the events are published again: subscribers know them by their `eventId`. What cannot be read
 * is recorded as an `audit.gap`, because repeating it would block everything after it. Answers whether it was one.
 */
export async function relayItem(ports: RelayPorts, key: OutboxKey, value: unknown): Promise<'relayed' | 'gap'> {
  const parsed = parseOutboxItem(value);
  const isOwn = parsed.ok && parsed.item.executionId === key.executionId && parsed.item.outboxId === key.outboxId;
  const item = isOwn
    ? parsed.item
    : gapItem(ports, key, value, parsed.ok ? 'key: belongs to another item' : parsed.reason);
  await ports.bus.publish(await ports.audit.append(item));
  await ports.outbox.markPublished(item, ports.clock.now());
  return isOwn ? 'relayed' : 'gap';
}

function gapItem(ports: RelayPorts, { executionId, outboxId }: OutboxKey, value: unknown, reason: string): OutboxItem {
  // Of the chain of a tenant too, which is no execution.
  const [workflow = ''] = executionId.split(':');
  const gap = buildEvent(
    ports,
    { executionId, workflow, traceId: executionId },
    {
      type: 'audit.gap',
      actor: { type: 'system', id: 'wflo', via: 'relay' },
      data: { outboxId, itemSha256: sha256(canonicalJson(value)), reason },
    },
  );
  return { schema: SCHEMA, executionId, outboxId, events: [gap], createdAt: gap.timestamp };
}
