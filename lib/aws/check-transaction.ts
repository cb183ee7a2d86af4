import { WfloError } from '../errors.ts';
import type { Change, Transaction } from '../ports.ts';

/** DynamoDB takes 100 items a transaction; the outbox item and META are two of them. */
export const MAX_CHANGES = 98;

/** The audit chain takes all events of an outbox item in one transaction, with its marker and the head. */
export const MAX_EVENTS = 98;

/** Throws `internal` for a transaction that no store could write: a mistake of the caller, not of its data. */
export function checkTransaction(transaction: Transaction): void {
  const { changes, events, executionId } = transaction;
  if (changes.length > MAX_CHANGES) {
    throw new WfloError('internal', `a transaction of ${executionId} has ${changes.length} changes`, {
      fix: `write at most ${MAX_CHANGES} records at once`,
    });
  }
  if (events.length > MAX_EVENTS) {
    throw new WfloError('internal', `a transaction of ${executionId} writes ${events.length} events`, {
      fix: `write at most ${MAX_EVENTS} events at once`,
    });
  }
  const seen = new Set<string>();
  for (const change of changes) {
    const record = recordName(change);
    if (seen.has(record)) throw new WfloError('internal', `a transaction of ${executionId} changes ${record} twice`);
    seen.add(record);
    if (!('put' in change) && change.item === 'execution') {
      const named: readonly string[] = [...Object.keys(change.set ?? {}), ...(change.remove ?? [])];
      if (named.includes('eventCount')) {
        throw new WfloError('internal', `a transaction of ${executionId} sets eventCount, which commit counts`);
      }
    }
  }
  const stranger = events.find((event) => event.executionId !== executionId);
  if (stranger !== undefined) {
    throw new WfloError('internal', `a transaction of ${executionId} writes an event of ${stranger.executionId}`);
  }
}

/** `execution`, or kind, path and attempt. */
export function recordName(change: Change): string {
  return change.item === 'execution' ? 'execution' : `${change.item} ${change.path} ${change.attempt}`;
}
