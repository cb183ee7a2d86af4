import type { ApprovalSummary, ExecutionView, StepView } from '../client/api.ts';
import type { ControlApiClient } from '../client/client.ts';
import { WfloError } from '../errors.ts';
import type { Context } from './command.ts';
import { programName } from './program-name.ts';
import { approvedSoFar, askedText, raiseText } from './render-approvals.ts';
import { type Style, visible } from './style.ts';
import { type Target, targetFlags } from './target.ts';
import { instantText, untilText } from './times.ts';

/** What an execution and its steps wait for, and how it is decided. */
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
  const ofSteps = view.steps.flatMap((step) => (waitsFor(step) === undefined ? [] : [waitsFor(step) ?? '']));
  const ids = new Set([...ofSteps, ...(view.budgetApprovals ?? [])]);
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
  return approvalId === undefined ? [] : linesOf(approvalId, open, now, style);
}

/** The same of budgets that somebody is asked to raise. */
export function budgetApprovalLines(
  { budgetApprovals = [] }: Pick<ExecutionView, 'budgetApprovals'>,
  open: OpenApprovals | undefined,
  now: Date,
  style: Style,
): string[] {
  return budgetApprovals.flatMap((approvalId) => linesOf(approvalId, open, now, style));
}

function linesOf(approvalId: string, open: OpenApprovals | undefined, now: Date, style: Style): string[] {
  const approval = open?.byId.get(approvalId);
  return [
    `    ${style('yellow', visible(`${approvalId}${approval === undefined ? '' : `: ${questionText(approval, now)}`}`))}`,
    ...(open === undefined ? [] : [`    ${visible(open.approveCommand(approvalId))}`]),
  ];
}

function questionText(approval: ApprovalSummary, now: Date): string {
  const { expiresAt, decisions } = approval;
  const what = approval.raise === undefined ? '' : `${raiseText(approval)}; asks `;
  return `${what}${askedText(approval)}${approvedSoFar(decisions)}; until ${instantText(expiresAt)} (${untilText(expiresAt, now)})`;
}
