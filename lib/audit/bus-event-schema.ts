import * as z from 'zod';
import type { JsonSchema } from '../json.ts';
import { EVENT_CATALOGUE, eventEnvelope } from './catalogue.ts';
import type { EventType } from './events.ts';

/** Instead of data that would make an event too large for the bus; the chain has the whole event. */
const omitted = z.object({ omittedBytes: z.number().int().positive() });

/** JSON Schema (draft 4, which EventBridge takes) of an event of this type as rules see it. */
export function busEventSchema(type: EventType): JsonSchema {
  const detail = eventEnvelope.extend({
    eventType: z.literal(type),
    data: z.union([EVENT_CATALOGUE[type].data, omitted]),
    seq: z.number().int().positive(),
    prevHash: z.string(),
    hash: z.string(),
  });
  const event = z.object({
    version: z.string(),
    id: z.string(),
    source: z.literal('wflo'),
    account: z.string(),
    time: z.string(),
    region: z.string(),
    resources: z.array(z.string()),
    'detail-type': z.literal(type),
    detail,
  });
  return z.toJSONSchema(event, { target: 'draft-4', io: 'input' }) as JsonSchema;
}
