import type { ApprovalSummary, ExecutionView, StepView } from '../client/api.ts';
import type { ControlApiClient } from '../client/client.ts';
import { WfloError } from '../errors.ts';
import type { Context } from './command.ts';
import { programName } from './program-name.ts';
import { approvedSoFar, quorumText } from './render-approvals.ts';
import { type Style, visible } from './style.ts';
import { type Target, targetFlags } from './target.ts';
import { instantText, untilText } from './times.ts';

/** What the steps of an execution wait for, and how it is decided. */
export interface OpenApprovals {
  readonly byId: ReadonlyMap<string, ApprovalSummary>;
  readonly approveCommand: (approvalId: string) => string;
}

/** Reads them anew at each call, because votes change them. One that may not be read is shown by its id alone. */
export async function readOpenApprovals(
  client: Pick<ControlApiClient, 'approval'>,
  view: ExecutionView,
  target: Target,
  { env, signal }: Pick<Context, 'env' | 'signal'>,
): Promise<OpenApprovals> {
  const ids = new Set(view.steps.flatMap((step) => (waitsFor(step) === undefined ? [] : [waitsFor(step) ?? ''])));
  const read = await Promise.all(
    [...ids].map((approvalId) =>
      client.approval(approvalId, { signal }).catch((error: unknown) => {
        if (WfloError.is(error)) return undefined;
        throw error;
      }),
    ),
  );
  return {
    byId: new Map(read.flatMap((approval) => (approval === undefined ? [] : [[approval.approvalId, approval]]))),
    approveCommand: (approvalId) => `${programName(env)} approve ${approvalId}${approverFlags(target)}`,
  };
}

function waitsFor({ status, approvalId }: StepView): string | undefined {
  return status === 'waiting_approval' ? approvalId : undefined;
}

/** Whoever watches as one person is seldom the one who has to approve. */
function approverFlags(target: Target): string {
  return targetFlags(target.kind === 'local' && target.as !== undefined ? { ...target, as: 'PERSON' } : target);
}

/** The lines below a step that waits: what it waits for, whom, until when, and the command that approves it. */
export function openApprovalLines(step: StepView, open: OpenApprovals | undefined, now: Date, style: Style): string[] {
  const approvalId = waitsFor(step);
  if (approvalId === undefined) return [];
  const approval = open?.byId.get(approvalId);
  const asked =
    approval === undefined
      ? ''
      : `: ${quorumText(approval.groups)}${approvedSoFar(approval.decisions)}; until ${instantText(approval.expiresAt)} (${untilText(approval.expiresAt, now)})`;
  return [
    `    ${style('yellow', visible(`${approvalId}${asked}`))}`,
    ...(open === undefined ? [] : [`    ${visible(open.approveCommand(approvalId))}`]),
  ];
}
