import { carryOutRaise } from '../../lib/approvals/carry-out-raise.ts';
import { decideApproval, loadApproval } from '../../lib/approvals/decide-approval.ts';
import { raiseHash, renderRaise } from '../../lib/approvals/raise-approval.ts';
import { renderPayload } from '../../lib/approvals/render.ts';
import { withdrawOvertaken } from '../../lib/approvals/withdraw-raise.ts';
import { dollars } from '../../lib/budget/money.ts';
import type {
  ApprovalSummary,
  ApprovalsAnswer,
  ApprovalView,
  DecisionRequest,
  RaiseView,
} from '../../lib/client/api.ts';
import { WfloError } from '../../lib/errors.ts';
import { type Payload, payloadHash } from '../../lib/execution/payload.ts';
import type { Actor, ApprovalRecord, RaiseAsked } from '../../lib/execution/records.ts';
import type { Json } from '../../lib/json.ts';
import type { Serve } from './control-api.ts';
import type { ControlApiPorts } from './ports.ts';
import { ApprovalsParameters, checked, DecisionBody, parsedBody, withoutUndefined } from './requests.ts';

type Ports = Pick<ControlApiPorts, 'executions' | 'people' | 'blobs' | 'budgets' | 'announcements' | 'clock' | 'ids'>;

export function serveApprovals(serve: Serve, ports: Ports): void {
  serve('GET /v1/approvals', async (c) => {
    const { all, limit, cursor } = checked(ApprovalsParameters, 'query', c.req.query());
    const { tenant } = c.get('principal');
    const query = { tenant, all, limit, ...(cursor === undefined ? {} : { cursor }) };
    const page = await ports.executions.queryApprovals(query);
    const answer: ApprovalsAnswer = {
      approvals: page.items.map(summaryOf),
      ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
    };
    return c.json(answer);
  });

  serve('GET /v1/approvals/:id', async (c) =>
    c.json(await viewOf(ports, await loadApproval(ports, c.get('principal').tenant, c.req.param('id')))),
  );

  serve('POST /v1/approvals/:id/decision', async (c) => {
    const request: DecisionRequest = withoutUndefined(checked(DecisionBody, 'body', parsedBody(await c.req.text())));
    const { tenant, person } = c.get('principal');
    const decision = { ...request, personId: person.personId, roles: person.roles, via: 'api' };
    const approvalId = c.req.param('id');
    await withdrawOvertaken(ports, await loadApproval(ports, tenant, approvalId), CONTROL_API);
    const { approval } = await decideApproval(ports, tenant, approvalId, decision);
    // Also by a repeat: the first may have been cut off in between.
    await carryOutRaise(ports, approval);
    // What was decided is told whatever has become of the payload since.
    return c.json(
      await viewOf(ports, approval).catch((error: unknown) => {
        if (!(error instanceof WfloError) || error.code !== 'payload_changed') throw error;
        return { ...summaryOf(approval), ...UNREADABLE };
      }),
    );
  });
}

/** What nobody asked it to do. */
const CONTROL_API: Actor = { type: 'system', id: 'wflo', via: 'api' };

/** A payload that cannot be read as it was frozen: a claim will refuse it. */
const UNREADABLE = { rendering: 'the frozen payload cannot be read as it was', claims: [], payload: null } as const;

/** Throws `payload_changed` where what is stored is not what has the hash that is approved: nobody may look at that. */
async function viewOf({ blobs }: Pick<Ports, 'blobs'>, approval: ApprovalRecord): Promise<ApprovalView> {
  const { raise, claims, payload: handle } = approval;
  if (raise !== undefined) {
    if (raiseHash(raise) !== approval.approvedHash) throw changed(approval);
    const payload = raise as unknown as Json;
    return { ...summaryOf(approval), rendering: renderRaise(raise), claims, payload };
  }
  if (handle === undefined) throw changed(approval);
  const stored: Json = await blobs.get(approval.executionId, handle);
  const payload = stored as unknown as Payload;
  if (payloadHash(payload) !== approval.approvedHash) throw changed(approval);
  return { ...summaryOf(approval), rendering: renderPayload(payload, claims), claims, payload: stored };
}

function changed({ approvalId }: ApprovalRecord): WfloError {
  return new WfloError('payload_changed', `the stored payload of ${approvalId} is not what it asks about`);
}

function summaryOf(approval: ApprovalRecord): ApprovalSummary {
  const { approvalId, executionId, workflow, kind, status, requester, note, roles, raise } = approval;
  return {
    approvalId,
    executionId,
    workflow,
    stepPath: raise?.stepPath ?? approval.path,
    kind,
    status,
    risk: null,
    payloadHash: approval.approvedHash,
    requester: { id: requester.id, verified: requester.type !== 'unverified' },
    requestedAt: approval.requestedAt,
    expiresAt: approval.expiresAt,
    decidedAt: approval.decidedAt ?? null,
    // A budget is raised with the decision.
    executeBy: raise === undefined ? (approval.executeBy ?? null) : null,
    groups: approval.groups,
    ...(roles === undefined ? {} : { roles }),
    ...(raise === undefined ? {} : { raise: raiseView(raise) }),
    ...(note === undefined ? {} : { note }),
    decisions: approval.votes,
    claimedAt: approval.claimedAt ?? null,
  };
}

function raiseView({ scope, limit, spent, held, needed, by }: RaiseAsked): RaiseView {
  return {
    ...(scope.kind === 'agent' ? { agent: scope.agent } : {}),
    limitUsd: dollars(limit),
    spentUsd: dollars(spent),
    heldUsd: dollars(held),
    neededUsd: dollars(needed),
    byUsd: dollars(by),
  };
}
