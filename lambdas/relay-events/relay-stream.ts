import type { DynamoDBRecord } from 'aws-lambda';
import { isChainId } from '../../lib/audit/chain-id.ts';
import { WfloError } from '../../lib/errors.ts';
import { plainImage } from '../shared/stream-image.ts';
import { type OutboxKey, type RelayPorts, relayItem } from './relay.ts';

export interface Relayed {
  readonly relayed: number;
  /** Items that could not be read, and stand in the chain as `audit.gap`. */
  readonly gaps: number;
  /** Records without the key of an outbox item: nothing can be recorded of them. */
  readonly unknown: number;
}

/**
 * Relays the new items of a batch, in order. It throws at the first item that fails, so that the batch comes again
 * from the start: a report of single failures would be ignored by some targets, and what was reported be lost.
 */
export async function relayStream(ports: RelayPorts, records: readonly DynamoDBRecord[]): Promise<Relayed> {
  const counts = { relayed: 0, gaps: 0, unknown: 0 };
  for (const { eventName, dynamodb } of records) {
    // MODIFY is our own `publishedAt`, REMOVE the expiry.
    if (eventName !== 'INSERT') continue;
    const key = keyOf(dynamodb?.Keys);
    if (key === undefined) {
      counts.unknown += 1;
      continue;
    }
    const outcome = await relayItem(ports, key, plainOrRaw(dynamodb?.NewImage ?? {}));
    counts[outcome === 'gap' ? 'gaps' : 'relayed'] += 1;
  }
  return counts;
}

function keyOf(keys: NonNullable<DynamoDBRecord['dynamodb']>['Keys']): OutboxKey | undefined {
  const executionId = /^EXEC#(.+)$/.exec(keys?.pk?.S ?? '')?.[1];
  const outboxId = keys?.sk?.S;
  if (executionId === undefined || outboxId === undefined || !isChainId(executionId)) return undefined;
  return { executionId, outboxId };
}

/** An image with values of other types is no outbox item; as it is, it is hashed into the gap. */
function plainOrRaw(image: Parameters<typeof plainImage>[0]): unknown {
  try {
    return plainImage(image);
  } catch (error) {
    if (error instanceof TypeError) return image;
    throw new WfloError('internal', 'a stream image could not be read', { cause: error });
  }
}
