import { isRaisableRefusal } from '../../lib/approvals/raise-approval.ts';
import { withdrawOvertaken } from '../../lib/approvals/withdraw-raise.ts';
import type { BudgetRefusal } from '../../lib/budget/ledger.ts';
import { type Asked, askForRaise } from './ask-for-raise.ts';
import { GATEWAY } from './exceeded.ts';
import type { Caller } from './lease.ts';
import type { GatewayPorts } from './ports.ts';
import { sleep } from './sleep.ts';

/** Between two looks at a budget that a person may raise. */
const LOOK_MS = 1000;

type Ports = Pick<GatewayPorts, 'budgets' | 'executions' | 'clock' | 'ids' | 'signals'>;

export interface Wait {
  /** Milliseconds of the clock. */
  readonly deadline: number;
  /** The client went away. */
  readonly gone: AbortSignal;
  readonly isStopping: () => boolean;
}

/** `changed`: the call may fit now. `rejected`: a person said no. `pending`: neither happened in time. */
export type Waited = 'changed' | 'rejected' | 'pending';

/**
 * Has somebody asked to raise the budget that refused a call, once for all calls that it refuses, and waits for the
 * answer, or until calls in flight have left enough.
 */
export async function waitForRaise(ports: Ports, caller: Caller, refused: BudgetRefusal, wait: Wait): Promise<Waited> {
  const asked = await ask(ports, caller, refused);
  if (asked?.kind === 'raised') return 'changed';
  if (asked?.kind === 'rejected' || asked?.kind === 'ended') return 'rejected';
  const approvalId = asked?.kind === 'asked' ? asked.approvalId : undefined;
  for (;;) {
    const left = wait.deadline - ports.clock.now().getTime();
    if (left <= 0 || wait.gone.aborted || wait.isStopping()) return 'pending';
    await sleep(Math.min(left, LOOK_MS * (0.75 + Math.random() / 2)), wait.gone);
    if (wait.gone.aborted) return 'pending';
    const seen = await look(ports, refused, approvalId);
    if (seen !== undefined) return seen;
  }
}

/** Undefined where nobody is asked: calls in flight may leave enough, or the budget is one that is set and not raised. */
async function ask(ports: Ports, caller: Caller, refused: BudgetRefusal): Promise<Asked | undefined> {
  if (refused.code !== 'budget_exhausted' || !isRaisableRefusal(refused)) return undefined;
  try {
    return await askForRaise(ports, caller, refused);
  } catch (error) {
    // It can be raised unasked as well, and the next call asks again.
    ports.signals.count('ExceededNotAnnounced');
    ports.signals.failed('nobody was asked to raise a budget', error, { executionId: caller.address.executionId });
    return undefined;
  }
}

async function look(
  ports: Ports,
  refused: BudgetRefusal,
  approvalId: string | undefined,
): Promise<Exclude<Waited, 'pending'> | undefined> {
  const [scope, approval] = await Promise.all([
    ports.budgets.getScope(refused.scope),
    approvalId === undefined ? undefined : ports.executions.getApproval(approvalId),
  ]);
  if (approval?.status === 'rejected') return 'rejected';
  if (scope === undefined) return undefined;
  if (scope.limit !== refused.limit) {
    // Raised before whoever did it could see that somebody is asked.
    if (approval !== undefined) await withdrawOvertaken(ports, approval, GATEWAY);
    return 'changed';
  }
  if (scope.remaining >= refused.needed) return 'changed';
  // What was held is spent: now it may be that only a person can help.
  return refused.code === 'budget_held' && scope.spent !== refused.spent ? 'changed' : undefined;
}
