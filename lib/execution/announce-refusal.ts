import { buildEvent } from '../audit/build-event.ts';
import type { BudgetRefusal } from '../budget/ledger.ts';
import { scopeName } from '../budget/ledger-rules.ts';
import type { Announcements, Clock, Ids } from '../ports.ts';
import type { Actor, ExecutionRecord, OnExceeded } from './records.ts';

export interface AnnouncementPorts {
  readonly announcements: Announcements;
  readonly clock: Clock;
  readonly ids: Ids;
}

interface Refused {
  readonly refusal: BudgetRefusal;
  readonly onExceeded: OnExceeded;
  readonly actor: Actor;
  readonly stepPath: string;
  readonly attempt: number;
}

/**
 * Tells of a refusal: once for each budget and limit, whoever meets it, the gateway under the same marker. So a step
 * that is tried again and again is told again and again, and the chain of events once.
 */
export async function announceRefusal(
  ports: AnnouncementPorts,
  execution: ExecutionRecord,
  { refusal, onExceeded, actor, stepPath, attempt }: Refused,
): Promise<void> {
  const { executionId } = execution;
  const { scope, limit, spent, held, needed } = refusal;
  const data = {
    scope,
    limitNanoUsd: limit,
    spentNanoUsd: spent,
    heldNanoUsd: held,
    neededNanoUsd: needed,
    onExceeded,
  };
  const event = buildEvent(ports, execution, { type: 'cost.exceeded', actor, stepPath, attempt, data });
  await ports.announcements.announceOnce(`exceeded:${scopeName(scope)}:${limit}`, executionId, [event]);
}
