import { WfloError } from '../errors.ts';
import type { ApprovalRecord } from '../execution/records.ts';
import { isFinal } from '../execution/status.ts';
import { untilDecided } from '../execution/until-decided.ts';
import type { Clock, ExecutionStore, Ids, People } from '../ports.ts';
import { type Decision, decide, type Verdict } from './decide.ts';
import { loadMemberships } from './memberships.ts';
import { decided } from './transitions.ts';

export interface DecisionPorts {
  readonly executions: ExecutionStore;
  readonly people: People;
  readonly clock: Clock;
  readonly ids: Ids;
}

export interface Decided {
  readonly kind: Verdict['kind'];
  readonly approval: ApprovalRecord;
}

/**
 * Records a decision of a person of `tenant`, whatever door it came through: with record, execution and event in one
 * transaction. Of two at the same time the second sees the first. Resuming is the matter of whoever reads the event.
 */
export function decideApproval(
  ports: DecisionPorts,
  tenant: string,
  approvalId: string,
  decision: Omit<Decision, 'at'>,
): Promise<Decided> {
  return untilDecided(async () => {
    const approval = await loadApproval(ports, tenant, approvalId);
    const memberships = await loadMemberships(ports.people, tenant, approval.groups);
    const complete = { ...decision, at: ports.clock.now() };
    const verdict = decide(approval, memberships, complete);
    if (verdict.kind === 'repeat') return { kind: verdict.kind, approval };
    const execution = await ports.executions.getExecution(approval.executionId);
    if (execution === undefined || isFinal(execution.status) || execution.ending !== undefined) {
      throw new WfloError('execution_closed', `${approval.executionId} has ended or is ending`);
    }
    const written = decided(ports, execution, approval, complete, verdict);
    if (!(await ports.executions.commit({ executionId: approval.executionId, ...written }))) return undefined;
    return { kind: verdict.kind, approval: await loadApproval(ports, tenant, approvalId) };
  });
}

/** Throws `unknown_approval` for what does not exist, and for what belongs to another tenant. */
export async function loadApproval(
  ports: Pick<DecisionPorts, 'executions'>,
  tenant: string,
  approvalId: string,
): Promise<ApprovalRecord> {
  const approval = await ports.executions.getApproval(approvalId);
  if (approval?.tenant === tenant) return approval;
  throw new WfloError('unknown_approval', `no approval ${approvalId} exists`, {
    fix: 'use an id that `wflo approvals --all` prints',
  });
}
