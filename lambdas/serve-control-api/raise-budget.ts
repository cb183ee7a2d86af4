import { raisersOf, sameScope } from '../../lib/approvals/raise-approval.ts';
import { withdrawRaise } from '../../lib/approvals/withdraw-raise.ts';
import { decimalUsd, usd } from '../../lib/budget/money.ts';
import type { BudgetView, RaiseRequest } from '../../lib/client/api.ts';
import { WfloError } from '../../lib/errors.ts';
import { raiseAndTell } from '../../lib/execution/raise-budget.ts';
import type { ExecutionRecord, RaisableScope } from '../../lib/execution/records.ts';
import { isFinal } from '../../lib/execution/status.ts';
import { budgetView } from './cost-views.ts';
import type { ControlApiPorts } from './ports.ts';
import type { Principal } from './principal.ts';
import { loadExecution } from './read-execution.ts';

type Ports = Pick<ControlApiPorts, 'executions' | 'budgets' | 'announcements' | 'clock' | 'ids'>;

/**
 * Adds to what an execution, or one of its agents, may spend, and tells of it once. Whoever is asked to raise it is asked
 * no more. A repeat with the same `raiseId` does what the first may have left undone. Throws `execution_closed`,
 * `requester_may_not_raise`, `invalid_budget`.
 */
export async function raiseBudget(
  ports: Ports,
  principal: Principal,
  id: string,
  { byUsd, agent, raiseId }: RaiseRequest,
): Promise<BudgetView> {
  const execution = await loadExecution(ports, principal, id);
  if (isFinal(execution.status) || execution.ending !== undefined) {
    throw new WfloError('execution_closed', `${id} has ended, or is ending, so that nothing more can be spent in it`);
  }
  refuseRequester(principal, execution);
  const by = usd(byUsd);
  if (by === 0) throw new WfloError('invalid_budget', 'a budget cannot be raised by nothing', { fix: 'give dollars' });
  const { actor, person } = principal;
  const about = agent === undefined ? {} : { agent };
  const raised = await raiseAndTell(ports, execution, { ...about, by, raiseId, actor });
  const { executionId } = execution;
  const scope: RaisableScope =
    agent === undefined ? { kind: 'execution', executionId } : { kind: 'agent', executionId, agent };
  for (const { approvalId, status, raise } of await ports.executions.listApprovals(executionId)) {
    if (status !== 'pending' || raise === undefined || !sameScope(raise.scope, scope)) continue;
    await withdrawRaise(ports, approvalId, actor, `${person.personId} raised the budget by $${decimalUsd(by)}`);
  }
  return budgetView(raised.scope, raised);
}

/** Where nothing proves who started it, anybody could have: only who runs the tenant raises that. */
function refuseRequester({ person }: Principal, { requester }: ExecutionRecord): void {
  const isRequester = requester.type === 'person' && requester.id === person.personId;
  if (!isRequester && raisersOf(requester).roles.some((role) => person.roles.includes(role))) return;
  throw isRequester
    ? new WfloError(
        'requester_may_not_raise',
        `${person.personId} started the execution, and may not raise its budget`,
        {
          fix: 'ask another person with the role budget-owner',
        },
      )
    : new WfloError('requester_may_not_raise', 'nothing proves who started the execution, so it could have been you', {
        fix: 'ask an administrator',
      });
}
