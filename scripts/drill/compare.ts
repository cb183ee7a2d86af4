import { verifyChain } from '../../lib/audit/chain.ts';
import type { ChainRecord, WfloEvent } from '../../lib/audit/events.ts';
import type { ApprovalRecord, AttemptRecord, ExecutionRecord } from '../../lib/execution/records.ts';
import { type ApprovalStatus, type AttemptStatus, type ExecutionStatus, isFinal } from '../../lib/execution/status.ts';

/** What a restored State table holds of one execution, as far as it is compared. */
export interface RestoredExecution {
  readonly executionId: string;
  /** Absent: there are other items of the execution, and no `META`. */
  readonly meta?: Pick<ExecutionRecord, 'status' | 'eventCount' | 'ending'>;
  readonly attempts: readonly Pick<AttemptRecord, 'path' | 'attempt' | 'status' | 'payloadHash'>[];
  readonly approvals: readonly Pick<ApprovalRecord, 'approvalId' | 'status' | 'claimedBy'>[];
}

export const KINDS = ['chain', 'status', 'attempts', 'approvals'] as const;
export type Kind = (typeof KINDS)[number];

export interface Difference {
  readonly kind: Kind;
  readonly what: string;
}

export interface Comparison {
  /** The kinds that were compared: where the chain has too few records, the rest would only repeat that. */
  readonly compared: readonly Kind[];
  readonly differences: readonly Difference[];
  /** The chain goes on after what was restored. */
  readonly ahead: boolean;
}

const ENDED: { readonly [type: string]: ExecutionStatus } = {
  'workflow.succeeded': 'succeeded',
  'workflow.failed': 'failed',
  'workflow.cancelled': 'cancelled',
  'workflow.timed_out': 'timed_out',
  'workflow.rejected': 'rejected',
};

const APPROVAL: { readonly [type: string]: ApprovalStatus } = {
  'approval.requested': 'pending',
  'approval.granted': 'granted',
  'approval.rejected': 'rejected',
  'approval.expired': 'expired',
  'approval.cancelled': 'cancelled',
};

/**
 * Compares restored records with the chain of their execution. A restored `eventCount` of n says that the records are
 * those after the n-th event: the first n records of the chain must be there and verify, and status, attempts and
 * approvals be what these n events tell. What follows in the chain happened after the restored moment.
 */
export function compareExecution(restored: RestoredExecution, chain: readonly ChainRecord[]): Comparison {
  const { meta } = restored;
  if (meta === undefined) {
    return {
      compared: ['status'],
      differences: [differs('status', 'has no execution record')],
      ahead: chain.length > 0,
    };
  }
  const ahead = chain.length > meta.eventCount;
  const records = chain.slice(0, meta.eventCount);
  const verdict = verifyChain(records, meta.eventCount);
  const chainDifferences = verdict.ok ? [] : verdict.problems.map(({ message }) => differs('chain', message));
  if (records.length < meta.eventCount) return { compared: ['chain'], differences: chainDifferences, ahead };

  const events = records.map(({ event }) => event);
  const differences = [
    ...chainDifferences,
    ...compareStatus(meta, events),
    ...compareAttempts(restored.attempts, events),
    ...compareApprovals(restored.approvals, events),
  ];
  return { compared: KINDS, differences, ahead };
}

function compareStatus(meta: NonNullable<RestoredExecution['meta']>, events: readonly WfloEvent[]): Difference[] {
  const ends = events.flatMap(({ eventType }) => ENDED[eventType] ?? []);
  if (ends.length > 1) return [differs('status', `${ends.length} events end it: ${ends.join(', ')}`)];
  const told = ends[0] ?? openStatus(events);
  // Whoever ends an execution cancels its approvals first, and leaves its open status alone until the end.
  const ending = meta.ending !== undefined && ends.length === 0 && !isFinal(meta.status);
  return ending || meta.status === told ? [] : [differs('status', `is ${meta.status}, and its events say ${told}`)];
}

function openStatus(events: readonly WfloEvent[]): ExecutionStatus {
  if (!events.some(({ eventType }) => eventType === 'workflow.started')) return 'starting';
  const pending = [...toldApprovals(events).values()].some(({ status }) => status === 'pending');
  return pending ? 'waiting_approval' : 'running';
}

function compareAttempts(attempts: RestoredExecution['attempts'], events: readonly WfloEvent[]): Difference[] {
  const told = toldAttempts(events);
  const names = attempts.map(({ path, attempt }) => attemptName(path, attempt));
  return [
    ...attempts.flatMap(({ status, payloadHash }, index) => {
      const name = names[index] ?? '';
      const allowed = told.get(name);
      // Denied before anything was frozen: that is told when its step has failed.
      if (allowed === undefined && status === 'prepared' && payloadHash === undefined) return [];
      if (allowed === undefined) return [differs('attempts', `${name} is ${status}, and no event tells of it`)];
      if (allowed.includes(status)) return [];
      return [differs('attempts', `${name} is ${status}, and its events say ${allowed.join(' or ')}`)];
    }),
    ...missing('attempts', told.keys(), names),
  ];
}

/** Statuses that an attempt may have after these events. */
function toldAttempts(events: readonly WfloEvent[]): ReadonlyMap<string, readonly AttemptStatus[]> {
  const told = new Map<string, readonly AttemptStatus[]>();
  for (const event of events) {
    const { stepPath, attempt } = event;
    if (stepPath === undefined || attempt === undefined) continue;
    const statuses = attemptStatuses(event);
    if (statuses !== undefined) told.set(attemptName(stepPath, attempt), statuses);
  }
  return told;
}

function attemptStatuses({ eventType, data }: WfloEvent): readonly AttemptStatus[] | undefined {
  switch (eventType) {
    case 'step.prepared':
    case 'approval.granted':
      return ['prepared'];
    case 'approval.requested':
      return ['waiting_approval'];
    case 'step.started':
      return ['running'];
    case 'sandbox.exited':
      return ['exited'];
    case 'sandbox.lost':
      // Silent: it has an exit from then on. Frozen: its state is still to be told, and finds an error.
      return ['running', 'exited'];
    case 'step.succeeded':
      return ['succeeded'];
    case 'step.retried':
      return ['retried'];
    case 'step.cancelled':
      return ['cancelled'];
    case 'step.failed':
      return [failedStatus((data.error as { readonly code?: unknown } | undefined)?.code)];
    default:
      return undefined;
  }
}

function failedStatus(code: unknown): AttemptStatus {
  if (code === 'outcome_unknown') return 'outcome_unknown';
  return code === 'approval_rejected' || code === 'approval_expired' ? 'rejected' : 'failed';
}

interface ToldApproval {
  readonly status: ApprovalStatus;
  readonly claimedBy: string;
}

function compareApprovals(approvals: RestoredExecution['approvals'], events: readonly WfloEvent[]): Difference[] {
  const told = toldApprovals(events);
  return [
    ...approvals.flatMap(({ approvalId, status, claimedBy }) => {
      const expected = told.get(approvalId);
      if (expected === undefined) return [differs('approvals', `${approvalId} is ${status}, and no event tells of it`)];
      const by = claimedBy === undefined ? 'nobody' : attemptName(claimedBy.path, claimedBy.attempt);
      return [
        ...(status === expected.status
          ? []
          : [differs('approvals', `${approvalId} is ${status}, and its events say ${expected.status}`)]),
        ...(by === expected.claimedBy
          ? []
          : [differs('approvals', `${approvalId} is used by ${by}, and its events say by ${expected.claimedBy}`)]),
      ];
    }),
    ...missing(
      'approvals',
      told.keys(),
      approvals.map(({ approvalId }) => approvalId),
    ),
  ];
}

function toldApprovals(events: readonly WfloEvent[]): ReadonlyMap<string, ToldApproval> {
  const told = new Map<string, ToldApproval>();
  for (const { eventType, data, stepPath = '', attempt = 0 } of events) {
    const { approvalId } = data;
    if (typeof approvalId !== 'string') continue;
    const before = told.get(approvalId);
    const status = APPROVAL[eventType];
    if (status !== undefined) told.set(approvalId, { status, claimedBy: before?.claimedBy ?? 'nobody' });
    else if (eventType === 'approval.claimed' && before !== undefined) {
      told.set(approvalId, { ...before, claimedBy: attemptName(stepPath, attempt) });
    }
  }
  return told;
}

function missing(kind: Kind, told: Iterable<string>, names: readonly string[]): Difference[] {
  return [...told].filter((name) => !names.includes(name)).map((name) => differs(kind, `${name} has no record`));
}

function attemptName(path: string, attempt: number): string {
  return `${path} ${attempt}`;
}

function differs(kind: Kind, what: string): Difference {
  return { kind, what };
}
