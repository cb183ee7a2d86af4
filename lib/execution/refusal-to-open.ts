import { loadMemberships } from '../approvals/memberships.ts';
import { eligiblePeople, missingApprovals } from '../approvals/quorum.ts';
import { askedOf, excludedPerson } from '../approvals/requester.ts';
import type { ErrorData } from '../errors.ts';
import type { ExecutionStore, People } from '../ports.ts';
import { frozenReason } from './freeze.ts';
import type { WorkflowConfig } from './machine.ts';
import type { Actor } from './records.ts';

export interface RefusalPorts {
  readonly executions: Pick<ExecutionStore, 'getFreeze' | 'openCount'>;
  readonly people: People;
}

interface Opened {
  readonly tenant: string;
  readonly requester: Actor;
  readonly counted?: string;
}

/** Why an execution may not begin, whatever its input: now, and not when hours of work have been done. */
export async function refusalToOpen(
  ports: RefusalPorts,
  config: WorkflowConfig,
  opened: Opened,
): Promise<ErrorData | undefined> {
  const held = frozenReason(await ports.executions.getFreeze(), { workflow: config.name, tenant: opened.tenant });
  if (held !== undefined) return { code: 'frozen', message: held, fix: 'start it again when the stop is lifted' };
  return (await tooMany(ports, config, opened)) ?? (await tooFew(ports, config, opened));
}

async function tooMany(
  ports: RefusalPorts,
  { name, maxConcurrent }: WorkflowConfig,
  { tenant, counted }: Opened,
): Promise<ErrorData | undefined> {
  if (maxConcurrent === undefined || counted !== undefined) return undefined;
  if ((await ports.executions.openCount(tenant, name)) < maxConcurrent) return undefined;
  return tooManyExecutions(name, maxConcurrent);
}

function tooManyExecutions(workflow: string, maxConcurrent: number): ErrorData {
  return {
    code: 'too_many_executions',
    message: `${maxConcurrent} executions of ${workflow} are open, which is as many as it allows at a time`,
    fix: 'wait for one to end (`wflo list`), or give the workflow a higher `maxConcurrent`',
  };
}

/** A gate that today's groups cannot satisfy would only be found out when it expires. */
async function tooFew(
  ports: RefusalPorts,
  { gates }: WorkflowConfig,
  { tenant, requester }: Opened,
): Promise<ErrorData | undefined> {
  // An older definition has none.
  for (const { path, policy } of gates ?? []) {
    const { groups, note } = askedOf(policy, requester);
    const memberships = await loadMemberships(ports.people, tenant, groups);
    const eligible = eligiblePeople(groups, memberships, excludedPerson(policy, requester));
    const missing = missingApprovals(groups, memberships, eligible);
    if (missing.length === 0) continue;
    const wanted = missing.map(({ group, min }) => `${min} more in ${group}`).join(', ');
    const why = note === undefined ? '' : ` (${note})`;
    return {
      code: 'approvers_missing',
      message: `the gate of ${path} cannot be passed: it needs ${wanted} who may approve${why}`,
      fix: 'add people to the group (`wflo people group`), or start it through the control API as somebody else',
      stepPath: path,
    };
  }
  return undefined;
}
