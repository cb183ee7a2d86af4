import { approvalIdOf } from '../../../lib/approvals/approval-id.ts';
import type { ApprovalRecord, AttemptRecord, ExecutionRecord, LeaseRecord } from '../../../lib/execution/records.ts';

const HASH = 'a'.repeat(64);

/** A running execution `report:one` of the default tenant. */
export function anExecution(fields: Partial<ExecutionRecord> = {}): ExecutionRecord {
  const executionId = fields.executionId ?? 'report:one';
  const [workflow = '', name = ''] = executionId.split(':');
  return {
    schema: 1,
    executionId,
    workflow,
    tenant: 'default',
    status: 'running',
    executionArn: `arn:aws:states:us-east-1:123456789012:execution:wflo-dev-${workflow}:${name}`,
    requester: { type: 'principal', id: 'arn:aws:iam::123456789012:user/ada', via: 'api' },
    inputHash: HASH,
    definitionHash: HASH,
    steps: [{ path: 'write', kind: 'sandbox' }],
    startedAt: '2026-01-01T00:00:00.000Z',
    eventCount: 0,
    traceId: executionId,
    ...fields,
  };
}

/** The prepared first attempt of step `write`. */
export function anAttempt(fields: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    schema: 1,
    executionId: 'report:one',
    path: 'write',
    kind: 'sandbox',
    attempt: 1,
    enteredAt: '2026-01-01T00:00:01.000Z',
    harmless: true,
    status: 'prepared',
    payloadHash: HASH,
    preparedAt: '2026-01-01T00:00:01.500Z',
    ...fields,
  };
}

/** The offered lease of that attempt. */
export function aLease(fields: Partial<LeaseRecord> = {}): LeaseRecord {
  return {
    schema: 1,
    executionId: 'report:one',
    path: 'write',
    attempt: 1,
    leaseId: '01LEASE0000000000000000001',
    kind: 'sandbox',
    status: 'offered',
    epoch: 1,
    codeHash: HASH,
    ...fields,
  };
}

/** The pending approval of that attempt: one of the group `admins` may act within four hours. */
export function anApproval(fields: Partial<ApprovalRecord> = {}): ApprovalRecord {
  const { executionId = 'report:one', path = 'write', attempt = 1 } = fields;
  const groups = [{ group: 'admins', min: 1 }];
  return {
    schema: 1,
    approvalId: approvalIdOf(executionId, path, attempt),
    executionId,
    workflow: executionId.split(':')[0] ?? '',
    tenant: 'default',
    path,
    attempt,
    kind: 'sandbox',
    status: 'pending',
    version: 1,
    payload: { at: 'item', key: `payload-${path}-${attempt}`, sha256: HASH, bytes: 2 },
    approvedHash: HASH,
    policy: {
      from: groups,
      notRequester: true,
      withinSeconds: 14_400,
      executeWithinSeconds: 3600,
      otherwise: 'reject',
    },
    groups,
    requester: { type: 'principal', id: 'arn:aws:iam::123456789012:user/ada', via: 'api' },
    claims: [],
    votes: [],
    requestedAt: '2026-01-01T00:00:01.500Z',
    expiresAt: '2026-01-01T04:00:01.500Z',
    checkAt: '2026-01-01T04:00:01.500Z',
    ...fields,
  };
}
