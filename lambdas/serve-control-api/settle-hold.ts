import { usd } from '../../lib/budget/money.ts';
import type { CostEntryView, SettleRequest } from '../../lib/client/api.ts';
import { WfloError } from '../../lib/errors.ts';
import { entryView } from './cost-views.ts';
import type { ControlApiPorts } from './ports.ts';
import type { Principal } from './principal.ts';
import { loadExecution } from './read-execution.ts';

/**
 * A person says what a call has cost that nobody else knows it of: the entry names who, and why. What is still open is
 * not theirs to settle. Throws `unknown_hold`, and `invalid_money` for more than is held.
 */
export async function settleHold(
  ports: Pick<ControlApiPorts, 'executions' | 'ledger'>,
  principal: Principal,
  { executionId, holdId, costUsd, reason }: SettleRequest & { readonly executionId: string; readonly holdId: string },
): Promise<CostEntryView> {
  await loadExecution(ports, principal, executionId);
  const cost = usd(costUsd);
  const hold = await ports.ledger.getHold(executionId, holdId);
  if (hold?.state !== 'unsettled') throw unknown(executionId, holdId);
  if (cost > hold.amount) {
    throw new WfloError('invalid_money', `$${costUsd} is more than what is held for the call`, {
      fix: 'a call costs at most what was reserved for it',
    });
  }
  const by = principal.person.personId;
  const settled = await ports.ledger.settle({ executionId, holdId, cost, source: 'person', reason, by });
  if (settled.kind !== 'settled') throw unknown(executionId, holdId);
  return entryView(settled.entry);
}

function unknown(executionId: string, holdId: string): WfloError {
  return new WfloError('unknown_hold', `${executionId} has no unsettled hold ${holdId}`, {
    fix: '`wflo costs unsettled` lists what can be settled',
  });
}
