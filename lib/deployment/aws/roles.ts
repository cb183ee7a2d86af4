import {
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  type IAMClient,
  paginateListRolePolicies,
  paginateListRoles,
} from '@aws-sdk/client-iam';
import type { RoleFound } from '../inventory.ts';
import { unlessGone } from './gone.ts';

export async function readRoles(client: IAMClient, stage: string): Promise<readonly RoleFound[]> {
  const roles: RoleFound[] = [];
  for await (const page of paginateListRoles({ client }, { PathPrefix: `/wflo/${stage}/workflows/` })) {
    for (const { RoleName, CreateDate } of page.Roles ?? []) {
      if (RoleName !== undefined) roles.push({ name: RoleName, at: CreateDate ?? new Date() });
    }
  }
  return roles;
}

/** Its policies are its own, and go first: IAM deletes no role that has any. */
export async function removeRole(client: IAMClient, RoleName: string): Promise<void> {
  await unlessGone(removePolicies(client, RoleName));
  await unlessGone(client.send(new DeleteRoleCommand({ RoleName })));
}

async function removePolicies(client: IAMClient, RoleName: string): Promise<void> {
  for await (const { PolicyNames = [] } of paginateListRolePolicies({ client }, { RoleName })) {
    for (const PolicyName of PolicyNames) await client.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
  }
}
