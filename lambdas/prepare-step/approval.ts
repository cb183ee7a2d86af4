import { agentClaims } from '../../lib/approvals/agent-claims.ts';
import { approvalIdOf } from '../../lib/approvals/approval-id.ts';
import { subjectHash } from '../../lib/approvals/check-claim.ts';
import { askedOf } from '../../lib/approvals/requester.ts';
import { type ErrorData, WfloError } from '../../lib/errors.ts';
import { payloadFields } from '../../lib/execution/freeze-payload.ts';
import type { StepConfig } from '../../lib/execution/machine.ts';
import { type Payload, subjectOf } from '../../lib/execution/payload.ts';
import {
  type ApprovalRecord,
  type AttemptRecord,
  type ExecutionRecord,
  type Handle,
  SCHEMA,
} from '../../lib/execution/records.ts';
import type { Clock, ExecutionStore } from '../../lib/ports.ts';
import type { ApprovalPolicy } from '../../lib/workflow/definition.ts';

interface Prepared {
  readonly execution: ExecutionRecord;
  readonly step: StepConfig;
  readonly record: AttemptRecord;
  readonly frozen: { readonly payload: Payload; readonly handle: Handle; readonly hash: string };
}

interface ApprovalPorts {
  readonly executions: Pick<ExecutionStore, 'getApproval' | 'listApprovals'>;
  readonly clock: Clock;
}

/** The approval that an attempt acts under: none needed, one that is there already, or one to ask for. */
type AttemptApproval =
  | { readonly ok: true; readonly approval: ApprovalRecord | undefined; readonly isNew: boolean }
  | { readonly ok: false; readonly error: ErrorData };

/**
 * An attempt that was lost before its claim left its approval unused: the next one that would do exactly the same acts
 * under it. Everything else is asked for anew. The gate that a step requires must have approved what the step acts on;
 * all else about it is for the claim.
 */
export async function approvalOf(ports: ApprovalPorts, prepared: Prepared): Promise<AttemptApproval> {
  const { execution, step, frozen } = prepared;
  if (step.kind !== 'approval' && step.requires !== undefined) return gateOf(ports, prepared, step.requires);
  if (step.approval === undefined) return { ok: true, approval: undefined, isNew: false };
  const now = ports.clock.now();
  const earlier = (await ports.executions.listApprovals(execution.executionId)).findLast(
    (approval) =>
      approval.path === step.path &&
      approval.status === 'granted' &&
      approval.approvedHash === frozen.hash &&
      approval.claimedBy === undefined &&
      now.getTime() < Date.parse(approval.executeBy ?? ''),
  );
  if (earlier !== undefined) return { ok: true, approval: earlier, isNew: false };
  return { ok: true, approval: newApproval(prepared, step.approval, now), isNew: true };
}

async function gateOf(
  ports: ApprovalPorts,
  { execution, step, frozen }: Prepared,
  gate: string,
): Promise<AttemptApproval> {
  const approval = (await ports.executions.listApprovals(execution.executionId)).findLast(({ path }) => path === gate);
  const { payload } = frozen;
  const same = payload.kind !== 'approval' && subjectHash(subjectOf(payload)) === approval?.subjectHash;
  if (same) return { ok: true, approval, isNew: false };
  const message =
    approval === undefined
      ? `the gate ${gate} asked for no approval`
      : `${step.path} would act on something else than ${gate} approved`;
  const error = new WfloError('not_approved', message);
  const fix = `give ${step.path} exactly the subject of ${gate}`;
  return { ok: false, error: { code: error.code, message, fix, stepPath: step.path } };
}

function newApproval({ execution, step, record, frozen }: Prepared, policy: ApprovalPolicy, now: Date): ApprovalRecord {
  const { executionId, workflow, tenant, requester } = execution;
  const { path, attempt, kind } = record;
  const expiresAt = new Date(now.getTime() + policy.withinSeconds * 1000).toISOString();
  const { groups, note } = askedOf(policy, requester);
  const isAgent = (name: string) => execution.steps.some((other) => other.path === name && other.kind === 'sandbox');
  return {
    schema: SCHEMA,
    approvalId: approvalIdOf(executionId, path, attempt),
    executionId,
    workflow,
    tenant,
    path,
    attempt,
    kind,
    status: 'pending',
    version: 1,
    payload: frozen.handle,
    approvedHash: frozen.hash,
    ...(frozen.payload.kind === 'approval' ? { subjectHash: subjectHash(frozen.payload.subject) } : {}),
    policy,
    groups,
    ...(note === undefined ? {} : { note }),
    requester,
    claims: agentClaims(payloadFields(step), isAgent),
    votes: [],
    requestedAt: now.toISOString(),
    expiresAt,
    checkAt: expiresAt,
  };
}
