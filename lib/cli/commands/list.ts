import type { ExecutionSummary } from '../../client/api.ts';
import { didYouMean } from '../../client/nearest.ts';
import { EXECUTION_STATUSES, type ExecutionStatus } from '../../execution/status.ts';
import { type Command, TARGET_OPTIONS } from '../command.ts';
import { usage } from '../invocation.ts';
import { summaryLines } from '../render-execution.ts';
import { targetOf } from '../target.ts';

/** What fits a person's attention; a script that needs more pages through the client. */
const SHOWN = 100;

export const list: Command = {
  name: 'list',
  summary: `list executions, newest first (at most ${SHOWN})`,
  positionals: [],
  options: [
    { name: 'workflow', value: 'WORKFLOW', summary: 'only executions of this workflow' },
    { name: 'status', value: 'STATUS', summary: `only executions with this status: ${EXECUTION_STATUSES.join(', ')}` },
    ...TARGET_OPTIONS,
  ],
  json: '`{ executions: [{ executionId, workflow, status, startedAt, endedAt, costUsd, budgetUsd, requester, error? }], more }`; `more`: there may be older ones',
  examples: [
    { command: 'wflo list --local', shows: 'everything that ran on the local AWS' },
    { command: 'wflo list --workflow data-processor --status failed', shows: 'what went wrong' },
  ],
  async run(invocation, { connect, env, output, signal }) {
    const status = statusOf(invocation.value('status'));
    const workflow = invocation.value('workflow');
    const client = await connect(targetOf(invocation, env));
    const query = {
      pageSize: SHOWN,
      ...(workflow === undefined ? {} : { workflow }),
      ...(status === undefined ? {} : { status }),
    };
    const executions: ExecutionSummary[] = [];
    // A filtered page may hold fewer than it could, with more behind it.
    for await (const page of client.list(query, { signal })) {
      executions.push(...page);
      if (executions.length >= SHOWN) break;
    }
    const more = executions.length >= SHOWN;
    const shown = executions.slice(0, SHOWN);
    output.result({ executions: shown, more }, () => summaryLines(shown, new Date(), output.style));
    if (more) output.note('there may be older ones: narrow the list with --workflow or --status');
  },
};

function statusOf(text: string | undefined): ExecutionStatus | undefined {
  if (text === undefined) return undefined;
  const status = EXECUTION_STATUSES.find((one) => one === text);
  if (status === undefined) {
    throw usage(
      `there is no status "${text}".${didYouMean(text, EXECUTION_STATUSES)}`,
      `use one of: ${EXECUTION_STATUSES.join(', ')}`,
    );
  }
  return status;
}
