import { buildEvent, type EventToBuild } from '../audit/build-event.ts';
import type { BudgetRefusal } from '../budget/ledger.ts';
import { scopeName } from '../budget/ledger-rules.ts';
import type { Announcements, Clock, Ids } from '../ports.ts';
import type { Actor, ExecutionRecord, OnExceeded } from './records.ts';

export interface AnnouncementPorts {
  readonly announcements: Announcements;
  readonly clock: Clock;
  readonly ids: Ids;
}

export interface Refused {
  readonly refusal: BudgetRefusal;
  readonly onExceeded: OnExceeded;
  readonly actor: Actor;
  readonly stepPath: string;
  readonly attempt: number;
}

/**
 * Tells of a refusal: once for each budget and limit, whoever meets it: the graph or the gateway. So a step
 * that is tried again and again is told again and again, and the chain of events once.
 */
export async function announceRefusal(
  ports: AnnouncementPorts,
  execution: ExecutionRecord,
  refused: Refused,
): Promise<void> {
  const event = buildEvent(ports, execution, exceededEvent(refused));
  const { scope, limit } = refused.refusal;
  await ports.announcements.announceOnce(`exceeded:${scopeName(scope)}:${limit}`, execution.executionId, [event]);
}

/** What `cost.exceeded` says of a refusal. */
export function exceededEvent({
  refusal,
  onExceeded,
  actor,
  stepPath,
  attempt,
}: Refused): EventToBuild<'cost.exceeded'> {
  const { scope, limit, spent, held, needed } = refusal;
  return {
    type: 'cost.exceeded',
    actor,
    stepPath,
    attempt,
    data: {
      scope,
      limitNanoUsd: limit,
      spentNanoUsd: spent,
      heldNanoUsd: held,
      neededNanoUsd: needed,
      onExceeded,
    },
  };
}
