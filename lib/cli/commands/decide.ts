import type { ApprovalSummary, ApprovalView } from '../../client/api.ts';
import { APPROVAL, type Command, TARGET_OPTIONS } from '../command.ts';
import { readMissing } from '../missing-approvals.ts';
import { approvedSoFar, quorumText, renderingLines } from '../render-approvals.ts';
import { resolveApproval } from '../resolve-approval.ts';
import { type Style, visible } from '../style.ts';
import { targetOf } from '../target.ts';
import { instantText } from '../times.ts';

/** Enough to know it again; `wflo approval` shows all. */
const EXCERPT_LINES = 8;

export const approve: Command = {
  name: 'approve',
  summary: 'approve what a step would do',
  description:
    'Reads the approval and approves exactly the payload that was read: the step can do nothing else under it. ' +
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
  summary: 'reject what a step would do, which ends its execution',
  description: 'One person of the groups that are asked is enough. The execution ends as `rejected`.',
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
      `${view.executionId} ends as rejected`,
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
      : `granted${view.executeBy === null ? '' : `: the step has to begin before ${instantText(view.executeBy)}`}`,
  ];
}

function stillNeeds({ groups, decisions }: ApprovalView, missing: ApprovalSummary['groups'] | undefined): string {
  if (missing !== undefined && missing.length > 0) return `still needs ${quorumText(missing)}`;
  return `still needs more: asked are ${quorumText(groups)}${approvedSoFar(decisions)}`;
}
