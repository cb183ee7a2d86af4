import { checkApproval, needsApproval } from '../approvals/check-claim.ts';
import { loadMemberships } from '../approvals/memberships.ts';
import { claimedBy, type Written } from '../approvals/transitions.ts';
import { buildEvent } from '../audit/build-event.ts';
import type { WfloEvent } from '../audit/events.ts';
import { type ErrorData, WfloError } from '../errors.ts';
import type { Clock, ExecutionStore, Ids, People } from '../ports.ts';
import { frozenReason } from './freeze.ts';
import type { LambdaPayload, SandboxPayload } from './payload.ts';
import type { Actor, AttemptRecord, ExecutionRecord } from './records.ts';

export interface ClaimPermissionPorts {
  readonly executions: Pick<ExecutionStore, 'getApproval' | 'getFreeze'>;
  readonly people: People;
  readonly clock: Clock;
  readonly ids: Ids;
}

/**
 * Whether an attempt may act now, besides holding its lease: nothing freezes it, and what it needs was approved, by people
 * who still may. The same for a sandbox and for a function call. Answers what the claim has to commit with it, which is
 * void when the approval is used or changed in between. Throws `frozen`, `not_approved`, `approval_stale` and
 * `payload_changed`.
 */
export async function permitClaim(
  ports: ClaimPermissionPorts,
  execution: ExecutionRecord,
  attempt: AttemptRecord,
  payload: SandboxPayload | LambdaPayload,
  actor: Actor,
): Promise<Written> {
  const held = frozenReason(await ports.executions.getFreeze(), execution);
  if (held !== undefined) throw new WfloError('frozen', held, { fix: 'start it again when the stop is lifted' });
  if (!needsApproval(payload)) return { changes: [], events: [] };
  const approval =
    attempt.approvalId === undefined ? undefined : await ports.executions.getApproval(attempt.approvalId);
  const groups = approval?.groups ?? [];
  const memberships = await loadMemberships(ports.people, execution.tenant, groups);
  checkApproval(payload, attempt, approval, memberships, ports.clock.now());
  return approval === undefined ? { changes: [], events: [] } : claimedBy(ports, execution, approval, attempt, actor);
}

/** What the chain tells of a claim that was refused for its approval. */
export function refusalEvents(
  sources: Pick<ClaimPermissionPorts, 'clock' | 'ids'>,
  execution: ExecutionRecord,
  { path, attempt, approvalId }: AttemptRecord,
  { code, message }: Pick<ErrorData, 'code' | 'message'>,
  actor: Actor,
): readonly WfloEvent[] {
  if (approvalId === undefined) return [];
  const data = { approvalId, code, message };
  return [buildEvent(sources, execution, { type: 'approval.refused', actor, stepPath: path, attempt, data })];
}
