import { type ApprovalRecord, SCHEMA } from '../../lib/execution/records.ts';

/** A pending approval of one of the group `owners`, asked for at the beginning of 2026, for four hours. */
export function anApproval(fields: Partial<ApprovalRecord> = {}): ApprovalRecord {
  return {
    schema: SCHEMA,
    approvalId: 'report:one:write:1',
    executionId: 'report:one',
    workflow: 'report',
    tenant: 'default',
    path: 'write',
    attempt: 1,
    kind: 'lambda',
    status: 'pending',
    version: 1,
    payload: { at: 'item', key: 'payload', sha256: 'c'.repeat(64), bytes: 2 },
    approvedHash: 'a'.repeat(64),
    policy: {
      from: [{ group: 'owners', min: 1 }],
      notRequester: true,
      withinSeconds: 4 * 3600,
      executeWithinSeconds: 30 * 60,
      otherwise: 'reject',
    },
    groups: [{ group: 'owners', min: 1 }],
    requester: { type: 'person', id: 'rex', via: 'api' },
    claims: [],
    votes: [],
    requestedAt: '2026-01-01T00:00:00.000Z',
    expiresAt: '2026-01-01T04:00:00.000Z',
    checkAt: '2026-01-01T04:00:00.000Z',
    ...fields,
  };
}
