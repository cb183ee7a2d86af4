import * as z from 'zod';
import { SCHEMA } from '../execution/records.ts';
import { EVENT_CATALOGUE, eventEnvelope } from './catalogue.ts';
import type { OutboxItem } from './events.ts';

const outboxItem = z.object({
  schema: z
    .number()
    .int()
    .min(SCHEMA - 1)
    .max(SCHEMA),
  executionId: z.string().min(1),
  outboxId: z.string().length(26),
  events: z.array(eventEnvelope).min(1),
  createdAt: z.iso.datetime(),
  publishedAt: z.iso.datetime().optional(),
});

export type ParsedOutboxItem =
  | { readonly ok: true; readonly item: OutboxItem }
  | { readonly ok: false; readonly reason: string };

/**
 * Decides whether an item of the Events table can be recorded as it is. What cannot is poison: repeating it would
 * block the stream for ever, so the relay records an `audit.gap` with `reason` instead.
 */
export function parseOutboxItem(value: unknown): ParsedOutboxItem {
  const parsed = outboxItem.safeParse(value);
  if (!parsed.success) return { ok: false, reason: reasonOf(parsed.error, []) };
  for (const [index, event] of parsed.data.events.entries()) {
    if (event.executionId !== parsed.data.executionId) {
      return { ok: false, reason: `events.${index}.executionId: belongs to another execution` };
    }
    const data = EVENT_CATALOGUE[event.eventType].data.safeParse(event.data);
    if (!data.success) return { ok: false, reason: reasonOf(data.error, ['events', index, 'data']) };
  }
  const { schema, executionId, outboxId, createdAt, publishedAt, events } = value as OutboxItem;
  return {
    ok: true,
    // The events as they were written, so that fields of a newer version are recorded too.
    item: { schema, executionId, outboxId, events, createdAt, ...(publishedAt === undefined ? {} : { publishedAt }) },
  };
}

/** Names the field, never its value: the value may be anything. */
function reasonOf(error: z.ZodError, above: readonly PropertyKey[]): string {
  const [issue] = error.issues;
  const path = [...above, ...(issue?.path ?? [])].map(String).join('.');
  return `${path === '' ? 'item' : path}: ${issue?.code ?? 'invalid'}`;
}
