import type { AttributeValue, DynamoDBRecord } from 'aws-lambda';
import type { OutboxItem } from '../../lib/audit/events.ts';
import { newOutboxRow } from '../../lib/aws/outbox-items.ts';
import type { Json } from '../../lib/json.ts';

export type StreamRow = { readonly [name: string]: Json };

/** A stream record as DynamoDB writes it. */
export function streamRecord(image: StreamRow, eventName: 'INSERT' | 'MODIFY' | 'REMOVE' = 'INSERT'): DynamoDBRecord {
  const { pk, sk } = image;
  return {
    eventName,
    dynamodb: { Keys: { pk: attribute(pk ?? null), sk: attribute(sk ?? null) }, NewImage: attributes(image) },
  };
}

/** An outbox item as it is stored. */
export const rowOf = (item: OutboxItem): StreamRow => newOutboxRow(item) as StreamRow;

function attribute(value: Json): AttributeValue {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (Array.isArray(value)) return { L: (value as readonly Json[]).map(attribute) };
  return { M: attributes(value as StreamRow) };
}

function attributes(image: StreamRow): { [name: string]: AttributeValue } {
  return Object.fromEntries(Object.entries(image).map(([name, value]) => [name, attribute(value)]));
}
