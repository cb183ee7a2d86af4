import { describe, expect, it } from 'vitest';
import { checkApproval, subjectHash } from '../../../lib/approvals/check-claim.ts';
import type { Memberships } from '../../../lib/approvals/quorum.ts';
import { type ErrorCode, WfloError } from '../../../lib/errors.ts';
import { type LambdaPayload, payloadHash, type SandboxPayload } from '../../../lib/execution/payload.ts';
import type { ApprovalRecord } from '../../../lib/execution/records.ts';
import { anApproval } from '../../_helpers/approval-samples.ts';
import { anAttempt } from '../../_helpers/fakes/records.ts';

const NOW = new Date('2026-01-01T01:00:00.000Z');
const { policy } = anApproval();
const of: Memberships = new Map([['owners', new Set(['ada', 'bob'])]]);

const lambda: LambdaPayload = {
  schema: 1,
  kind: 'lambda',
  executionId: 'report:one',
  workflow: 'report',
  definitionHash: 'd'.repeat(64),
  path: 'write',
  timeoutSeconds: 60,
  functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:f:3',
  with: { ids: ['a', 'b'] },
  approval: policy,
};
const sandbox: SandboxPayload = {
  schema: 1,
  kind: 'sandbox',
  executionId: 'report:one',
  workflow: 'report',
  definitionHash: 'd'.repeat(64),
  path: 'write',
  timeoutSeconds: 60,
  image: 'python',
  taskDefinition: 'arn:aws:ecs:us-east-1:123456789012:task-definition/sandbox:1',
  codeSha256: 'e'.repeat(64),
  command: ['python3', 'main.py'],
  env: { TABLE: 'users' },
  input: { n: 1 },
  approval: policy,
};

function granted(payload: LambdaPayload | SandboxPayload, fields: Partial<ApprovalRecord> = {}): ApprovalRecord {
  return anApproval({
    status: 'granted',
    approvedHash: payloadHash(payload),
    votes: [{ personId: 'ada', decision: 'approve', at: '2026-01-01T00:50:00.000Z', via: 'api' }],
    decidedAt: '2026-01-01T00:50:00.000Z',
    executeBy: '2026-01-01T01:20:00.000Z',
    ...fields,
  });
}

function verdict(
  payload: LambdaPayload | SandboxPayload,
  approval: ApprovalRecord | undefined,
  more: { of?: Memberships; now?: Date; attempt?: number } = {},
): ErrorCode | 'permitted' {
  try {
    const attempt = anAttempt({ path: payload.path, attempt: more.attempt ?? 1 });
    checkApproval(payload, attempt, approval, more.of ?? of, more.now ?? NOW);
    return 'permitted';
  } catch (error) {
    if (WfloError.is(error)) return error.code;
    throw error;
  }
}

describe('a claim', () => {
  it('needs no approval where its payload asks for none', () => {
    const { approval: _, ...free } = lambda;
    expect(verdict(free, undefined)).toBe('permitted');
  });

  it('is permitted for exactly what was approved, while that can be used', () => {
    expect(verdict(lambda, granted(lambda))).toBe('permitted');
    expect(verdict(sandbox, granted(sandbox))).toBe('permitted');
  });

  it.each([
    ['nothing', undefined],
    ['a pending approval', granted(lambda, { status: 'pending' })],
    ['a rejected approval', granted(lambda, { status: 'rejected' })],
    ['an expired approval', granted(lambda, { status: 'expired' })],
    ['a cancelled approval', granted(lambda, { status: 'cancelled' })],
    ['the approval of another step', granted(lambda, { path: 'other' })],
    ['the approval of another execution', granted(lambda, { executionId: 'report:two' })],
    ['an approval that another attempt used', granted(lambda, { claimedBy: { path: 'write', attempt: 2 } })],
  ])('is refused with %s', (_what, approval) => {
    expect(verdict(lambda, approval)).toBe('not_approved');
  });

  it('may be made again by the attempt that made it', () => {
    expect(verdict(lambda, granted(lambda, { claimedBy: { path: 'write', attempt: 1 } }))).toBe('permitted');
  });

  it('is refused after its time, to the millisecond, and where no time is recorded', () => {
    const approval = granted(lambda);
    expect(verdict(lambda, approval, { now: new Date('2026-01-01T01:19:59.999Z') })).toBe('permitted');
    expect(verdict(lambda, approval, { now: new Date('2026-01-01T01:20:00.000Z') })).toBe('approval_stale');
    const { executeBy: _, ...timeless } = approval;
    expect(verdict(lambda, timeless)).toBe('approval_stale');
  });

  it.each<[string, Partial<SandboxPayload>]>([
    ['task definition revision', { taskDefinition: 'arn:aws:ecs:us-east-1:123456789012:task-definition/sandbox:2' }],
    ['image', { image: 'node' }],
    ['code', { codeSha256: 'f'.repeat(64) }],
    ['command', { command: ['python3', 'other.py'] }],
    ['environment', { env: { TABLE: 'orders' } }],
    ['input', { input: { n: 2 } }],
    ['time limit', { timeoutSeconds: 61 }],
    ['definition', { definitionHash: 'e'.repeat(64) }],
    ['policy', { approval: { ...policy, executeWithinSeconds: 1_000_000 } }],
  ])('is refused where the %s was changed after the approval', (_what, changed) => {
    expect(verdict({ ...sandbox, ...changed }, granted(sandbox))).toBe('payload_changed');
  });

  it.each<[string, Partial<LambdaPayload>]>([
    ['function version', { functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:f:4' }],
    ['input', { with: { ids: ['a', 'b', 'c'] } }],
  ])('of a function is refused where the %s was changed', (_what, changed) => {
    expect(verdict({ ...lambda, ...changed }, granted(lambda))).toBe('payload_changed');
  });

  it('is refused where who approved may no longer, and the quorum is gone with them', () => {
    expect(verdict(lambda, granted(lambda), { of: new Map([['owners', new Set(['bob'])]]) })).toBe('not_approved');
    expect(verdict(lambda, granted(lambda), { of: new Map() })).toBe('not_approved');
    const own = { requester: { type: 'person', id: 'ada', via: 'api' } } as const;
    expect(verdict(lambda, granted(lambda, own))).toBe('not_approved');
    const twice = [{ group: 'owners', min: 2 }];
    expect(verdict(lambda, granted(lambda, { groups: twice }))).toBe('not_approved');
  });

  it('is permitted without a vote only where the policy lets silence pass', () => {
    const silent = { votes: [], policy: { ...policy, otherwise: 'approve' } } as const;
    expect(verdict(lambda, granted(lambda, silent))).toBe('permitted');
    expect(verdict(lambda, granted(lambda, { votes: [] }))).toBe('not_approved');
  });
});

describe('a claim of a step that requires a gate', () => {
  const { approval: _, ...acting } = lambda;
  const required: LambdaPayload = { ...acting, requires: 'confirm' };
  const gate = (fields: Partial<ApprovalRecord> = {}): ApprovalRecord =>
    granted(required, {
      kind: 'approval',
      path: 'confirm',
      approvedHash: '1'.repeat(64),
      subjectHash: subjectHash(required.with),
      ...fields,
    });

  it('is permitted for exactly the subject of the gate', () => {
    expect(verdict(required, gate())).toBe('permitted');
    expect(verdict({ ...required, with: { ids: ['b', 'a'] } }, gate())).toBe('payload_changed');
    const { subjectHash: _none, ...without } = gate();
    expect(verdict(required, without)).toBe('payload_changed');
  });

  it('is refused with the approval of another gate, or of the step itself', () => {
    expect(verdict(required, gate({ path: 'other' }))).toBe('not_approved');
    expect(verdict(required, gate({ path: 'write' }))).toBe('not_approved');
  });
});
