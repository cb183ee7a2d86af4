import {
  type RaisableRefusal,
  raiseApproval,
  raiseApprovalId,
  raiseAsked,
} from '../../lib/approvals/raise-approval.ts';
import { cancelled, openApprovalsChange, requested } from '../../lib/approvals/transitions.ts';
import { OVERTAKEN } from '../../lib/approvals/withdraw-raise.ts';
import type { ApprovalRecord, ExecutionRecord, RaisableScope } from '../../lib/execution/records.ts';
import { isFinal } from '../../lib/execution/status.ts';
import { untilDecided } from '../../lib/execution/until-decided.ts';
import { GATEWAY } from './exceeded.ts';
import type { Caller } from './lease.ts';
import type { GatewayPorts } from './ports.ts';

type Ports = Pick<GatewayPorts, 'budgets' | 'executions' | 'clock' | 'ids'>;

/**
 * `asked`: a person is, by this call or an earlier one, or has agreed. `rejected`: a person said no to this limit.
 * `raised`: the refusal is of the past. `ended`: nobody is asked for an execution that ends.
 */
export type Asked =
  | { readonly kind: 'asked'; readonly approvalId: string }
  | { readonly kind: 'rejected' | 'raised' | 'ended' };

/**
 * Puts an approval to raise the budget that refused a call: one at a time for each budget, and one for each of its limits.
 * Calls at the same time find the one that the first of them has put.
 */
export function askForRaise(ports: Ports, caller: Caller, refusal: RaisableRefusal): Promise<Asked> {
  const { scope, limit } = refusal;
  return untilDecided(async () => {
    const last = await lastOf(ports, scope);
    const known = last.approval?.raise?.limit === limit ? last.approval : undefined;
    if (known?.status === 'pending' || known?.status === 'granted') {
      return { kind: 'asked', approvalId: known.approvalId };
    }
    if (known?.status === 'rejected') return { kind: 'rejected' };
    const state = await ports.budgets.getScope(scope);
    if (state !== undefined && state.limit !== limit) return { kind: 'raised' };
    const execution = await ports.executions.getExecution(scope.executionId);
    if (execution === undefined || isFinal(execution.status) || execution.ending !== undefined) {
      return { kind: 'ended' };
    }
    const approval = raiseApproval(execution, {
      raise: raiseAsked(refusal, caller.address.path),
      attempt: caller.address.attempt,
      number: last.number + 1,
      now: ports.clock.now(),
    });
    const written = await put(ports, execution, approval, last.approval);
    return written ? { kind: 'asked', approvalId: approval.approvalId } : undefined;
  });
}

interface Last {
  /** 0 where nobody was asked yet. */
  readonly number: number;
  readonly approval?: ApprovalRecord;
}

/** They are numbered without a gap, and there are few: one for each time that a budget ran out. */
async function lastOf({ executions }: Ports, scope: RaisableScope): Promise<Last> {
  let last: Last = { number: 0 };
  for (;;) {
    const number = last.number + 1;
    const approval = await executions.getApproval(raiseApprovalId(scope, number));
    if (approval === undefined) return last;
    last = { number, approval };
  }
}

/** In the place of one before it that asks about another limit, which nobody has withdrawn yet. */
function put(
  ports: Ports,
  execution: ExecutionRecord,
  approval: ApprovalRecord,
  before: ApprovalRecord | undefined,
): Promise<boolean> {
  const { executionId } = execution;
  const { changes, events } = requested(ports, execution, approval, GATEWAY);
  if (before?.status !== 'pending') return ports.executions.commit({ executionId, changes, events });
  const withdrawn = cancelled(ports, execution, before, GATEWAY, OVERTAKEN);
  const others = changes.filter(({ item }) => item !== 'execution');
  return ports.executions.commit({
    executionId,
    changes: [openApprovalsChange(execution, 0), withdrawn.change, ...others],
    events: [withdrawn.event, ...events],
  });
}
