import { missingApprovals } from '../approvals/quorum.ts';
import type { ApprovalSummary } from '../client/api.ts';
import type { ControlApiClient } from '../client/client.ts';
import { WfloError } from '../errors.ts';

/**
 * What a pending approval still needs. Which group a person counted for only its members tell: undefined where the
 * caller may not see them, and nothing where the approval is pending no more.
 */
export async function readMissing(
  client: Pick<ControlApiClient, 'groups'>,
  approval: ApprovalSummary,
  signal: AbortSignal,
): Promise<ApprovalSummary['groups'] | undefined> {
  if (approval.status !== 'pending') return [];
  const approvers = approval.decisions.filter(({ decision }) => decision === 'approve').map(({ personId }) => personId);
  if (approvers.length === 0) return approval.groups;
  try {
    const groups = await client.groups({ signal });
    const memberships = new Map(groups.map(({ group, members }) => [group, new Set(members)]));
    return missingApprovals(approval.groups, memberships, approvers);
  } catch (error) {
    if (WfloError.is(error)) return undefined;
    throw error;
  }
}
