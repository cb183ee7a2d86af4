import { decideApproval, loadApproval } from '../../lib/approvals/decide-approval.ts';
import { renderPayload } from '../../lib/approvals/render.ts';
import type { ApprovalSummary, ApprovalsAnswer, ApprovalView, DecisionRequest } from '../../lib/client/api.ts';
import { WfloError } from '../../lib/errors.ts';
import { type Payload, payloadHash } from '../../lib/execution/payload.ts';
import type { ApprovalRecord } from '../../lib/execution/records.ts';
import type { Json } from '../../lib/json.ts';
import type { Serve } from './control-api.ts';
import type { ControlApiPorts } from './ports.ts';
import { ApprovalsParameters, checked, DecisionBody, parsedBody, withoutUndefined } from './requests.ts';

type Ports = Pick<ControlApiPorts, 'executions' | 'people' | 'blobs' | 'clock' | 'ids'>;

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
    const decision = { ...request, personId: person.personId, via: 'api' };
    const { approval } = await decideApproval(ports, tenant, c.req.param('id'), decision);
    // What was decided is told whatever has become of the payload since.
    return c.json(
      await viewOf(ports, approval).catch((error: unknown) => {
        if (!(error instanceof WfloError) || error.code !== 'payload_changed') throw error;
        return { ...summaryOf(approval), ...UNREADABLE };
      }),
    );
  });
}

/** A payload that cannot be read as it was frozen: a claim will refuse it. */
const UNREADABLE = { rendering: 'the frozen payload cannot be read as it was', claims: [], payload: null } as const;

/** Throws `payload_changed` where what is stored is not what has the hash that is approved: nobody may look at that. */
async function viewOf({ blobs }: Pick<Ports, 'blobs'>, approval: ApprovalRecord): Promise<ApprovalView> {
  const stored: Json = await blobs.get(approval.executionId, approval.payload);
  const payload = stored as unknown as Payload;
  if (payloadHash(payload) !== approval.approvedHash) {
    throw new WfloError('payload_changed', `the stored payload of ${approval.approvalId} is not what it asks about`);
  }
  const { claims } = approval;
  return { ...summaryOf(approval), rendering: renderPayload(payload, claims), claims, payload: stored };
}

function summaryOf(approval: ApprovalRecord): ApprovalSummary {
  const { approvalId, executionId, workflow, kind, status, requester, note } = approval;
  return {
    approvalId,
    executionId,
    workflow,
    stepPath: approval.path,
    kind,
    status,
    risk: null,
    payloadHash: approval.approvedHash,
    requester: { id: requester.id, verified: requester.type !== 'unverified' },
    requestedAt: approval.requestedAt,
    expiresAt: approval.expiresAt,
    decidedAt: approval.decidedAt ?? null,
    executeBy: approval.executeBy ?? null,
    groups: approval.groups,
    ...(note === undefined ? {} : { note }),
    decisions: approval.votes,
    claimedAt: approval.claimedAt ?? null,
  };
}
