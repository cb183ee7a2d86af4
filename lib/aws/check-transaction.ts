import { executionIdOfApproval } from '../approvals/approval-id.ts';
import { WfloError } from '../errors.ts';
import type { Change, ChangeOf, Transaction } from '../ports.ts';

/** DynamoDB takes 100 items a transaction; two are the outbox item, and META or, where META is a change, its name. */
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
    if (change.item === 'approval') checkApproval(executionId, change);
    if (change.item === 'execution' && !('put' in change)) {
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

/** What the lists of approvals are sorted by stays as it was put, and what was decided is never asked again. */
function checkApproval(executionId: string, change: ChangeOf<'approval'>): void {
  const { approvalId } = change;
  const fault = (what: string) => new WfloError('internal', `a transaction of ${executionId} ${what}`);
  if (executionIdOfApproval(approvalId) !== executionId) throw fault(`changes ${approvalId} of another execution`);
  if ('put' in change) {
    if (change.put.approvalId !== approvalId) throw fault(`puts ${change.put.approvalId} as ${approvalId}`);
    return;
  }
  const named = [...Object.keys(change.set ?? {}), ...(change.remove ?? [])];
  const fixed = ['approvalId', 'executionId', 'tenant', 'requestedAt'].find((field) => named.includes(field));
  if (fixed !== undefined) throw fault(`changes the ${fixed} of ${approvalId}`);
  if (change.set?.status === 'pending' || change.remove?.includes('status')) throw fault(`reopens ${approvalId}`);
}

/** Kind, and what tells the record from others of this kind. */
export function recordName(change: Change): string {
  if (change.item === 'execution') return 'execution';
  if (change.item === 'approval') return `approval ${change.approvalId}`;
  if (change.item === 'openCount') return `openCount ${change.tenant} ${change.workflow}`;
  return `${change.item} ${change.path} ${change.attempt}`;
}
