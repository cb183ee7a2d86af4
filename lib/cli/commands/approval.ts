import { APPROVAL, type Command, TARGET_OPTIONS } from '../command.ts';
import { readMissing } from '../missing-approvals.ts';
import { programName } from '../program-name.ts';
import { approvalLines } from '../render-approvals.ts';
import { resolveApproval } from '../resolve-approval.ts';
import { targetFlags, targetOf } from '../target.ts';

export const approval: Command = {
  name: 'approval',
  summary: 'show what exactly an approval asks for, of whom, and who decided',
  description:
    'What is asked is made by Wflo from the frozen payload that the step will get; what an agent wrote in it is marked. The payload hash is what an approval binds. ' +
    'Of a budget it is by how much it is raised, and what did not fit.',
  positionals: [APPROVAL],
  options: [...TARGET_OPTIONS],
  json:
    '`{ approvalId, executionId, workflow, stepPath, kind, status, risk, payloadHash, requester, requestedAt, expiresAt, decidedAt, ' +
    'executeBy, groups, roles?, raise?, note?, decisions, claimedAt, rendering, claims: [{ field, step }], payload }`',
  examples: [
    { command: 'wflo approval data-processor:nightly:update-warehouse:1 --local', shows: 'what would be done' },
    { command: 'wflo approval data-processor:nightly --json', shows: 'the one that this execution waits for' },
  ],
  async run(invocation, context) {
    const { connect, env, output, signal } = context;
    const target = targetOf(invocation, env);
    const client = await connect(target);
    const approvalId = await resolveApproval(client, invocation.positional('approval'), context);
    const view = await client.approval(approvalId, { signal });
    const missing = output.format === 'text' ? await readMissing(client, view, signal) : undefined;
    output.result(view, () => approvalLines(view, missing, new Date(), output.style));
    if (view.status !== 'pending') return;
    output.note(`approve it: ${programName(env)} approve ${view.approvalId}${targetFlags(target)}`);
    output.note(`or not: ${programName(env)} reject ${view.approvalId} --reason REASON${targetFlags(target)}`);
  },
};
