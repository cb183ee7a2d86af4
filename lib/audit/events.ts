import type { Actor } from '../execution/records.ts';
import type { JsonObject } from '../json.ts';

/** Every event type that this version writes. Past tense; `docs/events.md` describes each. */
export const EVENT_TYPES = [
  'workflow.started',
  'workflow.succeeded',
  'workflow.failed',
  'workflow.cancelled',
  'workflow.timed_out',
  'workflow.rejected',
  'workflow.budget_exceeded',
  'step.prepared',
  'step.started',
  'step.succeeded',
  'step.failed',
  'step.retried',
  'step.cancelled',
  'sandbox.claimed',
  'sandbox.exited',
  'sandbox.lost',
  'sandbox.claim_conflict',
  'approval.requested',
  'approval.voted',
  'approval.granted',
  'approval.rejected',
  'approval.expired',
  'approval.cancelled',
  'approval.claimed',
  'approval.refused',
  'cost.settled',
  'cost.alert',
  'cost.exceeded',
  'cost.unsettled',
  'budget.set',
  'budget.raised',
  'people.bootstrapped',
  'people.added',
  'people.changed',
  'people.removed',
  'people.linked',
  'people.unlinked',
  'people.group_changed',
  'people.role_attested',
  'tenant.created',
  'freeze.set',
  'freeze.lifted',
  'audit.gap',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export interface WfloEvent {
  /** ULID. */
  readonly eventId: string;
  readonly eventType: EventType;
  readonly timestamp: string;
  readonly service: 'wflo';
  readonly version: number;
  readonly executionId: string;
  readonly workflow: string;
  readonly stepPath?: string;
  readonly attempt?: number;
  readonly correlationId: string;
  readonly traceId: string;
  readonly actor: Actor;
  readonly data: JsonObject;
}

/** One item of the Events table: the events of one transaction, in order. */
export interface OutboxItem {
  readonly schema: number;
  readonly executionId: string;
  /** ULID; the sort key. */
  readonly outboxId: string;
  readonly events: readonly WfloEvent[];
  readonly createdAt: string;
  readonly publishedAt?: string;
}

/** One link of the chain of an execution. */
export interface ChainRecord {
  /** From 1, without holes. */
  readonly seq: number;
  /** Hash of the record before; 64 zeros for the first. */
  readonly prevHash: string;
  /** Hex SHA-256 over the canonical JSON of `{ seq, prevHash, event }`. */
  readonly hash: string;
  readonly event: WfloEvent;
}

export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}
