import { resolve } from 'node:path';
import { connect } from '../../lib/cli/target.ts';
import type { ApprovalView, ExecutionView } from '../../lib/client/api.ts';
import type { ControlApiClient } from '../../lib/client/client.ts';
import type { LocalUpResult } from '../../lib/local-cloud/index.ts';
import { alterPayload } from './alter-payload.ts';
import { checkChain, checkDeletion, checkReport, checkUntouched } from './checks.ts';
import { narrate } from './narrator.ts';
import { RecordsTable } from './records.ts';
import { chapter, done, indent, say } from './words.ts';

const projectDir = resolve(import.meta.dirname, '..', '..');
const WORKFLOW = 'data-processor';
const DELETION = 'delete-old-records';
const INPUT = { olderThanDays: 900, asOf: '2026-11-01' };

/** Of what people are shown, as much as tells the story. */
function tellAsked({ rendering, payloadHash }: ApprovalView): void {
  const lines = rendering.split('\n');
  const shown = lines.filter((line) => !line.startsWith(' '));
  say(indent('  asked, made from the frozen bytes:'));
  for (const line of shown) say(indent(`    ${line}`));
  say(indent(`    payload sha256 ${payloadHash.slice(0, 12)}…`));
}

/**
 * Ada starts data-processor three times. One is rejected, of one the payload is altered before it is approved, and one is
 * approved: only the last deletes, and exactly what was approved. Each person signs with keys of their own.
 */
export async function demoApprovals({
  state,
}: Pick<LocalUpResult, 'state'>): Promise<{ readonly ok: boolean; readonly processed: ExecutionView }> {
  const as = (person: string): Promise<ControlApiClient> => connect({ kind: 'local', as: person }, projectDir);
  const [ada, grace, linus] = [await as('ada'), await as('grace'), await as('linus')];
  const table = await RecordsTable.open(state);
  try {
    await table.restore();
    const before = await table.ids();

    chapter('data-processor: agents plan and report; deleting needs a person. Grace says no');
    const rejected = await narrate(ada, { workflow: WORKFLOW, input: INPUT }, async (approvalId) => {
      tellAsked(await grace.approval(approvalId));
      await grace.decide(approvalId, { decision: 'reject', comment: 'not before the audit' });
    });
    const untouched =
      checkUntouched(rejected, { status: 'rejected', code: 'approval_rejected' }, before, await table.ids()) &&
      (await checkChain(ada, rejected));

    chapter('The same again, and somebody alters what was frozen before Linus approves it');
    const altered = await narrate(ada, { workflow: WORKFLOW, input: INPUT }, async (approvalId) => {
      const added = await alterPayload(state, executionIdIn(approvalId), DELETION);
      done(`The stored payload now names ${added} as well`);
      await linus.decide(approvalId, { decision: 'approve' });
    });
    const refused =
      checkUntouched(altered, { status: 'failed', code: 'payload_changed' }, before, await table.ids()) &&
      (await checkChain(ada, altered));

    chapter('Once more, and Grace approves');
    let approved: readonly string[] = [];
    const processed = await narrate(ada, { workflow: WORKFLOW, input: INPUT }, async (approvalId) => {
      const { payload, payloadHash } = await grace.approval(approvalId);
      approved = (payload as { with: { ids: string[] } }).with.ids;
      await grace.decide(approvalId, { decision: 'approve', payloadHash });
    });
    const deleted =
      (await checkReport(processed, INPUT)) &&
      checkDeletion(processed, approved, before, await table.ids()) &&
      (await checkChain(ada, processed));
    return { ok: untouched && refused && deleted, processed };
  } finally {
    table.close();
  }
}

function executionIdIn(approvalId: string): string {
  return approvalId.split(':').slice(0, 2).join(':');
}
