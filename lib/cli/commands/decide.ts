import type { ApprovalSummary, ApprovalView } from '../../client/api.ts';
import { APPROVAL, type Command, TARGET_OPTIONS } from '../command.ts';
import { readMissing } from '../missing-approvals.ts';
import { approvedSoFar, askedText, quorumText, renderingLines } from '../render-approvals.ts';
import { resolveApproval } from '../resolve-approval.ts';
import { type Style, visible } from '../style.ts';
import { targetOf } from '../target.ts';
import { instantText } from '../times.ts';

/** Enough to know it again; `wflo approval` shows all. */
const EXCERPT_LINES = 8;

export const approve: Command = {
  name: 'approve',
  summary: 'approve what a step would do, or that a budget is raised',
  description:
    'Reads the approval and approves exactly the payload that was read: the step can do nothing else under it. ' +
    'A budget that somebody asks to raise is raised by that, by as much as was read. ' +
    'Shows what was approved, and who still has to. What was decided otherwise before is `already_decided`, and says by whom and when.',
  positionals: [APPROVAL],
  options: [
    { name: 'comment', value: 'COMMENT', summary: 'goes into the record, at most 2,000 characters' },
    ...TARGET_OPTIONS,
  ],
  json: 'the approval as `wflo approval --json` shows it, with this decision',
  examples: [
    {
      command: 'wflo approve data-processor:nightly:update-warehouse:1 --local --as ada',
      shows: 'as one of the people of the local AWS',
    },
    {
      command: `wflo approve data-processor:nightly --comment 'checked the 42 rows'`,
      shows: 'the one that this execution waits for',
    },
  ],
  async run(invocation, context) {
    const { connect, env, output, signal } = context;
    const comment = invocation.value('comment');
    const client = await connect(targetOf(invocation, env));
    const approvalId = await resolveApproval(client, invocation.positional('approval'), context);
    const { payloadHash } = await client.approval(approvalId, { signal });
    const request = { decision: 'approve' as const, payloadHash, ...(comment === undefined ? {} : { comment }) };
    const view = await client.decide(approvalId, request, { signal });
    const missing = output.format === 'text' ? await readMissing(client, view, signal) : undefined;
    output.result(view, () => approvedLines(view, missing, output.style));
  },
};

export const reject: Command = {
  name: 'reject',
  summary: 'reject what a step would do, which ends its execution, or that a budget is raised',
  description:
    'One person of those who are asked is enough. The execution ends as `rejected`. Where a budget is to be raised it goes on: ' +
    'the call that waits is refused, and so is what does not fit after it, until somebody raises the budget all the same.',
  positionals: [APPROVAL],
  options: [
    { name: 'reason', value: 'REASON', required: true, summary: 'goes into the record, at most 2,000 characters' },
    ...TARGET_OPTIONS,
  ],
  json: 'the approval as `wflo approval --json` shows it, with this decision',
  examples: [
    { command: `wflo reject data-processor:nightly:update-warehouse:1 --reason 'deletes too much'`, shows: 'say no' },
  ],
  async run(invocation, context) {
    const { connect, env, output, signal } = context;
    const comment = invocation.value('reason') ?? '';
    const client = await connect(targetOf(invocation, env));
    const approvalId = await resolveApproval(client, invocation.positional('approval'), context);
    const view = await client.decide(approvalId, { decision: 'reject', comment }, { signal });
    output.result(view, () => [
      `${output.style('red', '✗ rejected')} ${view.approvalId}: ${visible(comment)}`,
      ...renderingLines(view, output.style, EXCERPT_LINES),
      view.raise === undefined
        ? `${view.executionId} ends as rejected`
        : `${view.executionId} goes on without it: what does not fit is refused`,
    ]);
  },
};

/** What was approved, and what has to happen before it is done. */
function approvedLines(
  view: ApprovalView,
  missing: ApprovalSummary['groups'] | undefined,
  style: Style,
): readonly string[] {
  return [
    `${style('green', '✓ approved')} ${view.approvalId}`,
    `  payload ${view.payloadHash}`,
    ...renderingLines(view, style, EXCERPT_LINES),
    view.status === 'pending'
      ? `${stillNeeds(view, missing)}; until ${instantText(view.expiresAt)}`
      : grantedText(view),
  ];
}

function grantedText({ raise, executeBy }: ApprovalView): string {
  if (raise !== undefined) return 'granted: the budget was raised, and the call that waits goes on';
  return `granted${executeBy === null ? '' : `: the step has to begin before ${instantText(executeBy)}`}`;
}

function stillNeeds({ decisions, ...asked }: ApprovalView, missing: ApprovalSummary['groups'] | undefined): string {
  if (missing !== undefined && missing.length > 0) return `still needs ${quorumText(missing)}`;
  return `still needs more: asked are ${askedText(asked)}${approvedSoFar(decisions)}`;
}
