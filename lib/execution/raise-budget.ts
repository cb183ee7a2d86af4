import { buildEvent } from '../audit/build-event.ts';
import type { ScopeState } from '../budget/ledger.ts';
import type { NanoUsd } from '../budget/money.ts';
import type { Announcements, Budgets, Clock, Ids } from '../ports.ts';
import type { Actor, ExecutionRecord } from './records.ts';

export interface RaisePorts {
  readonly budgets: Pick<Budgets, 'raise'>;
  readonly announcements: Announcements;
  readonly clock: Clock;
  readonly ids: Ids;
}

export interface Raise {
  /** Of this agent alone; absent: of the execution. */
  readonly agent?: string;
  readonly by: NanoUsd;
  readonly raiseId: string;
  readonly actor: Actor;
  /** By which it was asked for. */
  readonly approvalId?: string;
}

/**
 * Adds to what an execution, or one of its agents, may spend, and tells of it once. A repeat with the same `raiseId`
 * does what the first may have left undone. Throws `invalid_budget`.
 */
export async function raiseAndTell(
  ports: RaisePorts,
  execution: ExecutionRecord,
  { agent, by, raiseId, actor, approvalId }: Raise,
): Promise<ScopeState> {
  const { executionId } = execution;
  const about = agent === undefined ? {} : { agent };
  const raised = await ports.budgets.raise({ executionId, ...about, by, raiseId });
  await ports.announcements.announceOnce(`RAISED#${executionId}#${raiseId}`, executionId, [
    buildEvent(ports, execution, {
      type: 'budget.raised',
      actor,
      data: {
        ...about,
        byNanoUsd: by,
        limitNanoUsd: raised.limit ?? by,
        ...(approvalId === undefined ? {} : { approvalId }),
      },
    }),
  ]);
  return raised;
}
