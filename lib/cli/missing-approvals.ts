import { missingApprovals } from '../approvals/quorum.ts';
import type { ApprovalSummary } from '../client/api.ts';
import type { ControlApiClient } from '../client/client.ts';
import { WfloError } from '../errors.ts';

/**
 * What a pending approval still needs, and nothing where it is pending no more. Where several groups are asked, only their
 * members tell for which of them a person counts, and only administrators and auditors may see those: undefined for
 * everybody else.
 */
export async function readMissing(
  client: Pick<ControlApiClient, 'groups'>,
  approval: ApprovalSummary,
  signal: AbortSignal,
): Promise<ApprovalSummary['groups'] | undefined> {
  if (approval.status !== 'pending') return [];
  const approvers = approval.decisions.filter(({ decision }) => decision === 'approve').map(({ personId }) => personId);
  if (approvers.length === 0) return approval.groups;
  const [only, ...others] = approval.groups;
  if (only !== undefined && others.length === 0) {
    const min = only.min - approvers.length;
    // More have approved than are needed, and it is pending: somebody is no longer in the group.
    return min > 0 ? [{ group: only.group, min }] : undefined;
  }
  try {
    const groups = await client.groups({ signal });
    const memberships = new Map(groups.map(({ group, members }) => [group, new Set(members)]));
    return missingApprovals(approval.groups, memberships, approvers);
  } catch (error) {
    if (WfloError.is(error)) return undefined;
    throw error;
  }
}
