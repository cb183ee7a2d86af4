import { buildEvent } from '../audit/build-event.ts';
import type { WfloEvent } from '../audit/events.ts';
import type { Actor, ApprovalRecord, AttemptRecord, ExecutionRecord, RaiseAsked } from '../execution/records.ts';
import type { Change, ChangeOf, Clock, Ids } from '../ports.ts';
import { actorOf, type Decision, executeBy, type Verdict } from './decide.ts';

/** What a transaction of a transition holds. */
export interface Written {
  readonly changes: readonly Change[];
  readonly events: readonly WfloEvent[];
}

interface Sources {
  readonly clock: Clock;
  readonly ids: Ids;
}

/** `reconcile` looks at a decided approval that was not resumed after this long (seconds). */
export const RESUME_WITHIN_SECONDS = 30;

/** The execution with one pending approval more or less, or one for another: its status says whether any is. */
export function openApprovalsChange(execution: ExecutionRecord, by: 1 | 0 | -1): ChangeOf<'execution'> {
  const count = Math.max(0, (execution.openApprovals ?? 0) + by);
  return {
    item: 'execution',
    set: { openApprovals: count, status: count > 0 ? 'waiting_approval' : 'running' },
    expect: {
      status: execution.status,
      openApprovals: execution.openApprovals ?? { absent: true },
      ending: { absent: true },
    },
  };
}

/** A request goes out: what is asked about was frozen before, or in the same transaction. */
export function requested(
  sources: Sources,
  execution: ExecutionRecord,
  approval: ApprovalRecord,
  actor: Actor,
): Written {
  const { approvalId, approvedHash, groups, roles, raise, requester, expiresAt, note } = approval;
  return {
    changes: [openApprovalsChange(execution, 1), { item: 'approval', approvalId, put: approval }],
    events: [
      buildEvent(sources, execution, {
        ...about(approval),
        type: 'approval.requested',
        actor,
        data: {
          approvalId,
          payloadHash: approvedHash,
          groups: [...groups],
          ...(roles === undefined ? {} : { roles: [...roles] }),
          ...(raise === undefined ? {} : { raise: raiseData(raise) }),
          requester,
          expiresAt,
          ...(note === undefined ? {} : { note }),
        },
      }),
    ],
  };
}

/** What a person's decision changes. */
export function decided(
  sources: Sources,
  execution: ExecutionRecord,
  approval: ApprovalRecord,
  decision: Decision,
  verdict: Exclude<Verdict, { readonly kind: 'repeat' }>,
): Written {
  const { approvalId } = approval;
  const actor = actorOf(decision);
  const votes = [...approval.votes, verdict.vote];
  const comment = decision.comment === undefined ? {} : { comment: decision.comment };
  if (verdict.kind === 'voted') {
    return {
      changes: [
        changeOf(approval, { votes }),
        { item: 'execution', expect: { status: execution.status, ending: { absent: true } } },
      ],
      events: [
        buildEvent(sources, execution, {
          ...about(approval),
          type: 'approval.voted',
          actor,
          data: { approvalId, decision: decision.decision, ...comment },
        }),
      ],
    };
  }
  const decidedAt = decision.at.toISOString();
  if (verdict.kind === 'rejected') {
    return {
      changes: [
        changeOf(approval, { status: 'rejected', votes, decidedAt, checkAt: resumeBy(decision.at) }),
        openApprovalsChange(execution, -1),
      ],
      events: [
        buildEvent(sources, execution, {
          ...about(approval),
          type: 'approval.rejected',
          actor,
          data: { approvalId, reason: verdict.reason },
        }),
      ],
    };
  }
  const { approvers } = verdict;
  const granted = grantedChanges(execution, approval, { votes, decidedAt, executeBy: verdict.executeBy });
  return {
    changes: granted,
    events: [grantedEvent(sources, execution, approval, actor, verdict.executeBy, approvers, comment)],
  };
}

/** Nobody decided in time. */
export function expired(sources: Sources, execution: ExecutionRecord, approval: ApprovalRecord, actor: Actor): Written {
  const now = sources.clock.now();
  const decidedAt = now.toISOString();
  if (approval.policy.otherwise === 'approve') {
    const by = executeBy(approval, now);
    return {
      changes: grantedChanges(execution, approval, { decidedAt, executeBy: by }),
      events: [grantedEvent(sources, execution, approval, actor, by, [], {})],
    };
  }
  const { approvalId } = approval;
  return {
    changes: [
      changeOf(approval, { status: 'expired', decidedAt, checkAt: resumeBy(now) }),
      openApprovalsChange(execution, -1),
    ],
    events: [
      buildEvent(sources, execution, { ...about(approval), type: 'approval.expired', actor, data: { approvalId } }),
    ],
  };
}

/** Nobody is asked any more. Where the execution goes on, it counts one less with `openApprovalsChange`. */
export function cancelled(
  sources: Sources,
  execution: ExecutionRecord,
  approval: ApprovalRecord,
  actor: Actor,
  reason: string,
): { readonly change: ChangeOf<'approval'>; readonly event: WfloEvent } {
  const { approvalId } = approval;
  return {
    change: {
      item: 'approval',
      approvalId,
      set: { status: 'cancelled', version: approval.version + 1, decidedAt: sources.clock.now().toISOString() },
      remove: ['checkAt'],
      expect: { version: approval.version },
    },
    event: buildEvent(sources, execution, {
      ...about(approval),
      type: 'approval.cancelled',
      actor,
      data: { approvalId, reason },
    }),
  };
}

/** An attempt gets its work under it: with this, nobody else can. */
export function claimedBy(
  sources: Sources,
  execution: ExecutionRecord,
  approval: ApprovalRecord,
  attempt: AttemptRecord,
  actor: Actor,
): Written {
  const { approvalId, approvedHash } = approval;
  const { path, attempt: number } = attempt;
  return {
    changes: [
      {
        item: 'approval',
        approvalId,
        set: {
          claimedBy: { path, attempt: number },
          claimedAt: sources.clock.now().toISOString(),
          version: approval.version + 1,
        },
        expect: { status: 'granted', version: approval.version, claimedBy: { absent: true } },
      },
    ],
    events: [
      buildEvent(sources, execution, {
        type: 'approval.claimed',
        actor,
        stepPath: path,
        attempt: number,
        data: { approvalId, payloadHash: approvedHash },
      }),
    ],
  };
}

/** From here on its attempt is one like any other. A budget is raised after this, where nobody waits as an attempt. */
function grantedChanges(
  execution: ExecutionRecord,
  approval: ApprovalRecord,
  set: Pick<ApprovalRecord, 'decidedAt' | 'executeBy'> & Partial<Pick<ApprovalRecord, 'votes'>>,
): readonly Change[] {
  const { path, attempt } = approval;
  return [
    changeOf(approval, { ...set, status: 'granted', checkAt: resumeBy(new Date(set.decidedAt ?? '')) }),
    ...(approval.raise === undefined
      ? ([
          { item: 'attempt', path, attempt, set: { status: 'prepared' }, expect: { status: 'waiting_approval' } },
        ] as const)
      : []),
    openApprovalsChange(execution, -1),
  ];
}

function grantedEvent(
  sources: Sources,
  execution: ExecutionRecord,
  approval: ApprovalRecord,
  actor: Actor,
  by: string,
  approvers: readonly string[],
  comment: { readonly comment?: string },
): WfloEvent {
  const { approvalId, approvedHash } = approval;
  return buildEvent(sources, execution, {
    ...about(approval),
    type: 'approval.granted',
    actor,
    data: { approvalId, payloadHash: approvedHash, approvers: [...approvers], executeBy: by, ...comment },
  });
}

function changeOf(approval: ApprovalRecord, set: Partial<ApprovalRecord>): ChangeOf<'approval'> {
  const { approvalId, version } = approval;
  return {
    item: 'approval',
    approvalId,
    set: { ...set, version: version + 1 },
    expect: { status: 'pending', version },
  };
}

function resumeBy(decidedAt: Date): string {
  return new Date(decidedAt.getTime() + RESUME_WITHIN_SECONDS * 1000).toISOString();
}

function about({ path, attempt, raise }: ApprovalRecord): { readonly stepPath: string; readonly attempt: number } {
  return { stepPath: raise?.stepPath ?? path, attempt };
}

function raiseData({ scope, limit, spent, held, needed, by }: RaiseAsked) {
  return {
    scope,
    limitNanoUsd: limit,
    spentNanoUsd: spent,
    heldNanoUsd: held,
    neededNanoUsd: needed,
    byNanoUsd: by,
  };
}
