import { buildEvent } from '../../lib/audit/build-event.ts';
import type { WfloEvent } from '../../lib/audit/events.ts';
import type { BudgetRefusal } from '../../lib/budget/ledger.ts';
import { scopeName } from '../../lib/budget/ledger-rules.ts';
import { refusalError } from '../../lib/budget/refusal-text.ts';
import { announceRefusal, exceededEvent, type Refused } from '../../lib/execution/announce-refusal.ts';
import type { Actor, Ending, ExecutionRecord, OnExceeded } from '../../lib/execution/records.ts';
import { EXECUTION_STATUSES, isFinal } from '../../lib/execution/status.ts';
import type { Caller } from './lease.ts';
import type { GatewayPorts } from './ports.ts';

export const GATEWAY: Actor = { type: 'system', id: 'wflo', via: 'gateway' };
const OPEN = EXECUTION_STATUSES.filter((status) => !isFinal(status));

type Ports = Pick<GatewayPorts, 'announcements' | 'executions' | 'machines' | 'clock' | 'ids' | 'signals'>;

/** What a refusal means for the execution: an agent's own budget never ends it. */
export function meaningOf(caller: Caller, { code, scope }: BudgetRefusal): OnExceeded {
  const { onExceeded } = caller.access;
  if (scope.kind === 'agent' && onExceeded === 'stop') return 'deny';
  // It would fit once the calls in flight are settled: nothing is exceeded yet.
  return code === 'budget_held' && onExceeded === 'stop' ? 'deny' : onExceeded;
}

export type AnnounceExceeded = (caller: Caller, refused: BudgetRefusal, onExceeded: OnExceeded) => Promise<void>;

/** Budgets that are known to be told of; the oldest goes first. */
const REMEMBERED = 10_000;

/**
 * Tells of it once for each budget and limit. What cannot be told now is told by the next refusal; what was told costs
 * the next refusals nothing.
 */
export function exceededAnnouncer(ports: Ports): AnnounceExceeded {
  const told = new Set<string>();
  return async (caller, refused, onExceeded) => {
    const { executionId } = caller.address;
    const name = `${executionId} ${scopeName(refused.scope)} ${refused.limit}`;
    if (told.has(name)) return;
    try {
      const execution = await ports.executions.getExecution(executionId);
      if (execution === undefined) return;
      await announceRefusal(ports, execution, asRefused(caller, refused, onExceeded));
      const [oldest] = told;
      if (told.size >= REMEMBERED && oldest !== undefined) told.delete(oldest);
      told.add(name);
    } catch (error) {
      ports.signals.count('ExceededNotAnnounced');
      ports.signals.failed('cost.exceeded was not written', error, { executionId });
    }
  };
}

/**
 * Writes how the execution ends, with its event, then stops its machine. A repeat stops it again: the first may have
 * been cut off in between. False where it could not be done; the next refused call tries again.
 */
export async function stopExecution(ports: Ports, caller: Caller, refused: BudgetRefusal): Promise<boolean> {
  const { executionId, path } = caller.address;
  const { message } = refusalError('a call of a model', refused);
  try {
    const execution = await ports.executions.getExecution(executionId);
    if (execution === undefined || isFinal(execution.status)) return true;
    if (execution.ending === undefined) {
      const ending: Ending = {
        status: 'budget_exceeded',
        actor: GATEWAY,
        reason: message,
        error: { code: 'budget_exceeded', message, stepPath: path },
        at: ports.clock.now().toISOString(),
      };
      const event = buildEvent(ports, execution, exceededEvent(asRefused(caller, refused, 'stop')));
      // Where somebody else has written an ending meanwhile, theirs counts, and they stop the machine.
      if (!(await writeEnding(ports, execution, ending, event))) return true;
    } else if (execution.ending.status !== 'budget_exceeded') {
      return true;
    }
    await ports.machines.stop(execution.executionArn, 'budget_exceeded', message);
    return true;
  } catch (error) {
    ports.signals.count('ExecutionNotStopped');
    ports.signals.failed('an execution was not stopped', error, { executionId });
    return false;
  }
}

function writeEnding(
  ports: Ports,
  { executionId }: ExecutionRecord,
  ending: Ending,
  event: WfloEvent,
): Promise<boolean> {
  return ports.executions.commit({
    executionId,
    changes: [{ item: 'execution', set: { ending }, expect: { status: { oneOf: OPEN }, ending: { absent: true } } }],
    events: [event],
  });
}

function asRefused({ address }: Caller, refusal: BudgetRefusal, onExceeded: OnExceeded): Refused {
  return { refusal, onExceeded, actor: GATEWAY, stepPath: address.path, attempt: address.attempt };
}
