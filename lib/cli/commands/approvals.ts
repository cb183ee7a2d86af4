import type { ApprovalSummary } from '../../client/api.ts';
import { type Command, TARGET_OPTIONS } from '../command.ts';
import { programName } from '../program-name.ts';
import { approvalTable } from '../render-approvals.ts';
import { targetFlags, targetOf } from '../target.ts';

/** What is decided grows without end; what waits for somebody is always shown in full. */
const DECIDED_SHOWN = 100;

export const approvals: Command = {
  name: 'approvals',
  summary: 'list what waits for approval, newest first',
  positionals: [],
  options: [
    { name: 'all', summary: `also what is decided, expired or cancelled (the newest ${DECIDED_SHOWN})` },
    { name: 'workflow', value: 'WORKFLOW', summary: 'only approvals of this workflow' },
    ...TARGET_OPTIONS,
  ],
  json:
    '`[{ approvalId, executionId, stepPath, status, risk, payloadHash, expiresAt, groups: [{ group, min }], ' +
    'decisions: [{ personId, decision, comment?, at, via }], workflow, kind, requester, requestedAt, decidedAt, executeBy, claimedAt, note?, roles?, ' +
    'raise?: { agent?, limitUsd, spentUsd, heldUsd, neededUsd, byUsd } }]`',
  examples: [
    { command: 'wflo approvals --local', shows: 'what waits, whom for, and how long it still does' },
    { command: 'wflo approvals --all --workflow data-processor', shows: 'also what was decided' },
  ],
  async run(invocation, { connect, env, output, signal }) {
    const all = invocation.flag('all');
    const workflow = invocation.value('workflow');
    const target = targetOf(invocation, env);
    const client = await connect(target);
    const found: ApprovalSummary[] = [];
    for await (const page of client.approvals({ all, pageSize: 100 }, { signal })) {
      found.push(...page.filter((one) => workflow === undefined || one.workflow === workflow));
      if (all && found.length >= DECIDED_SHOWN) break;
    }
    const shown = all ? found.slice(0, DECIDED_SHOWN) : found;
    output.result(shown, () => approvalTable(shown, all, new Date(), output.style));
    if (all && found.length >= DECIDED_SHOWN) output.note('there may be older ones: narrow the list with --workflow');
    if (shown.some(({ status }) => status === 'pending')) {
      output.note(`see what exactly is asked: ${programName(env)} approval <approval>${targetFlags(target)}`);
    }
  },
};
