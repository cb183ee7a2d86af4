import type { Actor, ExecutionRecord } from '../execution/records.ts';
import type { JsonObject } from '../json.ts';
import type { Clock, Ids } from '../ports.ts';
import { EVENT_CATALOGUE, type EventData } from './catalogue.ts';
import type { EventType, WfloEvent } from './events.ts';

/** Version of the event format; counted up only when a field changes its meaning. */
export const EVENT_VERSION = 1;

export interface EventToBuild<T extends EventType> {
  readonly type: T;
  readonly data: EventData<T>;
  readonly actor: Actor;
  /** Where the event is about a step. */
  readonly stepPath?: string;
  readonly attempt?: number;
}

/**
 * One event of an execution, with a new id and the time of the clock. Fields of `data` that the catalogue does not
 * know (such as `details` of an error) are left out; a wrong field throws, because no such event may be written.
 */
export function buildEvent<T extends EventType>(
  source: { readonly ids: Ids; readonly clock: Clock },
  execution: Pick<ExecutionRecord, 'executionId' | 'workflow' | 'traceId'>,
  event: EventToBuild<T>,
): WfloEvent {
  const data = EVENT_CATALOGUE[event.type].data.parse(event.data);
  return {
    eventId: source.ids.next(),
    eventType: event.type,
    timestamp: source.clock.now().toISOString(),
    service: 'wflo',
    version: EVENT_VERSION,
    executionId: execution.executionId,
    workflow: execution.workflow,
    ...(event.stepPath === undefined ? {} : { stepPath: event.stepPath }),
    ...(event.attempt === undefined ? {} : { attempt: event.attempt }),
    correlationId: execution.executionId,
    traceId: execution.traceId,
    actor: { type: event.actor.type, id: event.actor.id, via: event.actor.via },
    // An absent optional field must be absent, not undefined, for the canonical form and for DynamoDB.
    data: Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined)) as JsonObject,
  };
}
