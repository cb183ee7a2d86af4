import type { ApprovalRecord } from '../../lib/execution/records.ts';
import { anApproval as aRecord } from './fakes/records.ts';

const OWNERS = [{ group: 'owners', min: 1 }];

/** A pending approval of one of the group `owners`, asked for at the beginning of 2026, for four hours. */
export function anApproval(fields: Partial<ApprovalRecord> = {}): ApprovalRecord {
  return aRecord({
    kind: 'lambda',
    policy: {
      from: OWNERS,
      notRequester: true,
      withinSeconds: 4 * 3600,
      executeWithinSeconds: 30 * 60,
      otherwise: 'reject',
    },
    groups: OWNERS,
    requester: { type: 'person', id: 'rex', via: 'api' },
    approvedHash: 'a'.repeat(64),
    requestedAt: '2026-01-01T00:00:00.000Z',
    expiresAt: '2026-01-01T04:00:00.000Z',
    checkAt: '2026-01-01T04:00:00.000Z',
    ...fields,
  });
}
