import { type Command, EXECUTION, TARGET_OPTIONS } from '../command.ts';
import { followExecution } from '../follow-execution.ts';
import { noteOpenNetwork } from '../network-mode.ts';
import { readOpenApprovals } from '../open-approvals.ts';
import { executionLines } from '../render-execution.ts';
import { targetOf } from '../target.ts';

export const status: Command = {
  name: 'status',
  summary: 'show an execution and its steps',
  description:
    'A step that waits for approval is shown with the id of the approval, who has to approve until when, and the command for it; ' +
    'so is a budget that somebody is asked to raise.',
  positionals: [EXECUTION],
  options: [{ name: 'follow', summary: 'go on until the execution has ended' }, ...TARGET_OPTIONS],
  json:
    '`{ executionId, workflow, status, startedAt, endedAt, costUsd, budgetUsd, requester, error?, output?, outputUrl?, steps: ' +
    '[{ path, kind, status, attempt, startedAt, endedAt, exit?, error?, approvalId?, costUsd }], budgetApprovals?, eventCount }`; with --follow one such line for each change',
  examples: [
    { command: 'wflo status hello:20261124-145753-1f0c9a2b --local', shows: 'how it stands' },
    { command: 'wflo status hello:20261124-145753-1f0c9a2b --follow', shows: 'the steps, redrawn until the end' },
  ],
  async run(invocation, context) {
    const { connect, env, output, signal } = context;
    const executionId = invocation.positional('execution');
    const target = targetOf(invocation, env);
    const client = await connect(target);
    // Notes are for people.
    if (output.format === 'text') noteOpenNetwork(await context.networkMode(target), output);
    if (!invocation.flag('follow')) {
      const view = await client.describe(executionId, { signal });
      const open = output.format === 'text' ? await readOpenApprovals(client, view, target, context) : undefined;
      output.result(view, () => executionLines(view, new Date(), output.style, open));
      return;
    }
    const { view, shown } = await followExecution(client, executionId, target, context, (one) => {
      if (output.format === 'json') output.record(one, () => []);
    });
    if (!shown && output.format === 'text') output.result(view, () => executionLines(view, new Date(), output.style));
  },
};
