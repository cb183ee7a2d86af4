import { executionIdOfApproval } from '../approvals/approval-id.ts';
import { parseExecutionId } from '../execution/identity.ts';
import type { ApprovalRecord, ExecutionRecord } from '../execution/records.ts';
import type { Change, OpenCountChange, Records } from '../ports.ts';
import { FORGET_AT } from './expiry.ts';

/** Primary key of an item in any of the tables. */
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

/** Stays when the records have expired: the event chain of the execution stays too, and must not get another's events. */
export function nameKey(executionId: string): ItemKey {
  return { pk: partitionOf(executionId), sk: 'NAME' };
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

/** Throws `unknown_approval` for what is no id of an approval. */
export function approvalKey(approvalId: string): ItemKey {
  const executionId = executionIdOfApproval(approvalId);
  return { pk: partitionOf(executionId), sk: `APPROVAL#${approvalId.slice(executionId.length + 1)}` };
}

export function openCountKey(tenant: string, workflow: string): ItemKey {
  return { pk: `WORKFLOW#${tenantWorkflow(tenant, workflow)}`, sk: 'OPEN' };
}

/** Partition of what is deployed. */
export const WORKFLOWS = 'WORKFLOWS';

export function workflowKey(workflow: string): ItemKey {
  return { pk: WORKFLOWS, sk: workflow };
}

/** The emergency stop of the deployment. */
export const FREEZE_KEY: ItemKey = { pk: 'SWITCH', sk: 'FREEZE' };

export type RecordChange = Exclude<Change, OpenCountChange>;

export function keyOfChange(executionId: string, change: RecordChange): ItemKey {
  if (change.item === 'execution') return metaKey(executionId);
  if (change.item === 'approval') return approvalKey(change.approvalId);
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

/** Sort key of the lists of approvals: by request, and unique. */
export function requestedKey(approval: Pick<ApprovalRecord, 'requestedAt' | 'approvalId'>): string {
  return `${approval.requestedAt}#${approval.approvalId}`;
}

export type ApprovalList = 'pending' | 'decided';

/** Partition of `byApproval`. */
export function approvalList(tenant: string, list: ApprovalList): string {
  return `${tenant}#${list}`;
}

/** Attributes that only indexes read, for the fields of a record that are being written. */
export function indexAttributes(
  item: keyof Records,
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
    ...(item === 'approval' ? approvalIndexAttributes(fields) : {}),
  };
}

/** Only of a whole record: what is set later names neither tenant nor time. */
function approvalIndexAttributes(fields: Partial<ApprovalRecord>): { readonly [attribute: string]: string } {
  const { approvalId, tenant, requestedAt, status } = fields;
  if (approvalId === undefined || tenant === undefined || requestedAt === undefined) return {};
  const decidedList = approvalList(tenant, 'decided');
  return {
    approvalList: status === 'pending' ? approvalList(tenant, 'pending') : decidedList,
    decidedList,
    requestedKey: requestedKey({ requestedAt, approvalId }),
  };
}

/** Index attributes that take the value of another one: a decision does not name the tenant, so the item keeps where it goes. */
export function indexAttributesToCopy(
  item: keyof Records,
  set: { readonly [field: string]: unknown },
): { readonly [attribute: string]: string } {
  return item === 'approval' && set.status !== undefined ? { approvalList: 'decidedList' } : {};
}

/** Index attributes that go when these fields go. */
export function indexAttributesToRemove(fields: readonly string[]): readonly string[] {
  return fields.includes('checkAt') ? ['checkKind'] : [];
}

const OUR_ATTRIBUTES = [
  'pk',
  'sk',
  'startedKey',
  'tenantWorkflow',
  'checkKind',
  'approvalList',
  'decidedList',
  'requestedKey',
  FORGET_AT,
];

/** The record that an item holds. */
export function recordOf<R>(item: { readonly [attribute: string]: unknown }): R {
  return Object.fromEntries(Object.entries(item).filter(([name]) => !OUR_ATTRIBUTES.includes(name))) as R;
}

function digits(attempt: number): string {
  return String(attempt).padStart(4, '0');
}
