import { WfloError } from '../../errors.ts';
import type { LoadedWorkflow } from '../../project/workflows.ts';
import type { Deployment } from './deployment.ts';

const DAY_SECONDS = 24 * 60 * 60;

/** What ends an execution late (its machine, the end handler, `reconcile`, a queue of 14 days) still finds its records. */
const MARGIN_DAYS = 30;

/** Throws `invalid_settings` with every workflow whose executions could outlive records that they wrote at their start. */
export function checkTimeouts(workflows: readonly LoadedWorkflow[], { retentionDays }: Deployment): void {
  const limitDays = retentionDays - MARGIN_DAYS;
  const tooLong = workflows
    .map(({ name, compiled: { timeoutSeconds } }) => ({ workflow: name, timeoutSeconds }))
    .filter(({ timeoutSeconds }) => timeoutSeconds > limitDays * DAY_SECONDS);
  if (tooLong.length === 0) return;
  const lines = tooLong.map(
    ({ workflow, timeoutSeconds }) =>
      `${workflow}: its timeout of ${timeoutSeconds} seconds is above the ${limitDays * DAY_SECONDS} (${limitDays} days) that wflo:retention-days = ${retentionDays} allows`,
  );
  const longest = Math.max(...tooLong.map(({ timeoutSeconds }) => timeoutSeconds));
  throw new WfloError('invalid_settings', lines.join('\n'), {
    fix: `set wflo:retention-days to ${Math.ceil(longest / DAY_SECONDS) + MARGIN_DAYS} or more, or give the workflow a shorter timeout`,
    details: { workflows: tooLong, retentionDays },
  });
}
