import { WfloError } from '../errors.ts';
import { type Inventory, type Leftover, reasonOf } from './inventory.ts';
import { inTheWay, retainedInUse } from './leftovers.ts';

/** What a deployment changes in the set of workflows. */
export interface WorkflowChange {
  readonly adding: readonly string[];
  readonly removing: readonly string[];
}

export function workflowChange(deployed: readonly string[], project: readonly string[]): WorkflowChange {
  return {
    adding: project.filter((name) => !deployed.includes(name)),
    removing: deployed.filter((name) => !project.includes(name)),
  };
}

export interface InUse {
  readonly workflow: string;
  readonly open: number;
}

/**
 * Workflows that leave the project while executions of them are open. Outside `dev` they are retained until those have
 * ended, and are the answer; in `dev`, which retains nothing, it throws `workflow_in_use`.
 */
export function checkRemoved({ machines }: Inventory, { removing }: WorkflowChange, stage: string): readonly InUse[] {
  const used = machines
    .filter(({ workflow, open }) => removing.includes(workflow) && open.length > 0)
    .map(({ workflow, open }) => ({ workflow, open: open.length }));
  if (used.length === 0 || stage !== 'dev') return used;
  throw new WfloError(
    'workflow_in_use',
    `workflows that are no longer in the project have open executions, which stage ${stage} would delete with them: ${counted(used)}`,
    {
      fix: 'wait until they have ended, cancel them (`wflo list --workflow <name>`, `wflo cancel <execution>`), or put the folder back',
      details: { workflows: used },
    },
  );
}

/**
 * What has to go before this deployment, because it may have the names that the deployment is about to give: those of
 * workflows that come back, and of steps, which come back without a sign that could be read here. Throws
 * `workflow_retained` where open executions still need a workflow.
 */
export function checkAdded(found: Inventory, { adding }: WorkflowChange): readonly Leftover[] {
  const used = retainedInUse(found, adding).map(({ workflow, open }) => ({ workflow, open: open.length }));
  if (used.length === 0) return inTheWay(found, adding);
  throw new WfloError(
    'workflow_retained',
    `workflows that come back were retained for their open executions, and their names are taken until these have ended: ${counted(used)}`,
    {
      fix: 'wait until they have ended, cancel them (`wflo list --workflow <name>`, `wflo cancel <execution>`), or deploy the workflow under another name',
      details: { workflows: used },
    },
  );
}

/** Without this knowledge, a deployment that removes workflows from `dev` could break their open executions. */
export function unreadable(stage: string, { removing }: WorkflowChange, cause: unknown): WfloError {
  return new WfloError(
    'deploy_failed',
    `whether executions of ${removing.join(', ')} are open in stage ${stage} cannot be told: ${reasonOf(cause)}`,
    { fix: 'allow the calls that docs/guides/ci-cd.md lists, or put the folders back', cause },
  );
}

export function counted(used: readonly InUse[]): string {
  return used.map(({ workflow, open }) => `${workflow} (${open} open)`).join(', ');
}
