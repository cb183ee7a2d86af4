import { parseExecutionId } from '../execution/identity.ts';
import type { ExecutionRecord } from '../execution/records.ts';
import type { Change } from '../ports.ts';

/** Primary key of an item in any of the three tables. */
export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

export function partitionOf(executionId: string): string {
  return `EXEC#${executionId}`;
}

export function metaKey(executionId: string): ItemKey {
  return { pk: partitionOf(executionId), sk: 'META' };
}

export function attemptKey(executionId: string, path: string, attempt: number): ItemKey {
  return { pk: partitionOf(executionId), sk: `${attemptPrefix(path)}${digits(attempt)}` };
}

/** `#` sorts before every character of a path, so that sort keys order by path, then by attempt. */
export function attemptPrefix(path: string): string {
  return `STEP#${path}#`;
}

export function leaseKey(executionId: string, path: string, attempt: number): ItemKey {
  return { pk: partitionOf(executionId), sk: `LEASE#${path}#${digits(attempt)}` };
}

export function blobKey(executionId: string, name: string): ItemKey {
  return { pk: partitionOf(executionId), sk: `BLOB#${name}` };
}

export function keyOfChange(executionId: string, change: Change): ItemKey {
  if (change.item === 'execution') return metaKey(executionId);
  const { path, attempt } = change;
  return change.item === 'attempt' ? attemptKey(executionId, path, attempt) : leaseKey(executionId, path, attempt);
}

/** Sort key of the lists: by start, and unique. */
export function startedKey(execution: Pick<ExecutionRecord, 'startedAt' | 'executionId'>): string {
  return `${execution.startedAt}#${execution.executionId}`;
}

export function tenantWorkflow(tenant: string, workflow: string): string {
  return `${tenant}#${workflow}`;
}

/** Attributes that only indexes read, for the fields of a record that are being written. */
export function indexAttributes(
  item: Change['item'],
  executionId: string,
  fields: { readonly [field: string]: unknown },
): { readonly [attribute: string]: string } {
  const { startedAt, tenant, checkAt } = fields as Partial<ExecutionRecord>;
  return {
    ...(item === 'execution' && startedAt !== undefined ? { startedKey: startedKey({ startedAt, executionId }) } : {}),
    ...(item === 'execution' && tenant !== undefined
      ? { tenantWorkflow: tenantWorkflow(tenant, parseExecutionId(executionId).workflow) }
      : {}),
    ...(item !== 'attempt' && checkAt !== undefined ? { checkKind: item } : {}),
  };
}

/** Index attributes that go when these fields go. */
export function indexAttributesToRemove(fields: readonly string[]): readonly string[] {
  return fields.includes('checkAt') ? ['checkKind'] : [];
}

const OUR_ATTRIBUTES = ['pk', 'sk', 'startedKey', 'tenantWorkflow', 'checkKind'];

/** The record that an item holds. */
export function recordOf<R>(item: { readonly [attribute: string]: unknown }): R {
  return Object.fromEntries(Object.entries(item).filter(([name]) => !OUR_ATTRIBUTES.includes(name))) as R;
}

function digits(attempt: number): string {
  return String(attempt).padStart(4, '0');
}
