import {
  DeregisterTaskDefinitionCommand,
  DescribeTaskDefinitionCommand,
  type ECSClient,
  paginateListTaskDefinitionFamilies,
  paginateListTaskDefinitions,
} from '@aws-sdk/client-ecs';
import type { RevisionFound } from '../inventory.ts';
import { roleNameOf } from '../named-things.ts';

export async function readRevisions(client: ECSClient, stage: string): Promise<readonly RevisionFound[]> {
  const revisions: RevisionFound[] = [];
  const families = paginateListTaskDefinitionFamilies({ client }, { familyPrefix: `wflo-${stage}-`, status: 'ACTIVE' });
  for await (const { families: names = [] } of families) {
    for (const family of names) revisions.push(...(await readFamily(client, family)));
  }
  return revisions;
}

/** In spite of its name, `familyPrefix` is a whole family here. */
async function readFamily(client: ECSClient, family: string): Promise<readonly RevisionFound[]> {
  const revisions: RevisionFound[] = [];
  for await (const page of paginateListTaskDefinitions({ client }, { familyPrefix: family, status: 'ACTIVE' })) {
    for (const arn of page.taskDefinitionArns ?? []) {
      const { taskDefinition } = await client.send(new DescribeTaskDefinitionCommand({ taskDefinition: arn }));
      const role = taskDefinition?.executionRoleArn;
      revisions.push({
        arn,
        at: taskDefinition?.registeredAt ?? new Date(),
        executionRole: role === undefined ? null : roleNameOf(role),
      });
    }
  }
  return revisions;
}

/** It becomes INACTIVE: nothing runs it any more, and its number is never used again. */
export async function removeRevision(client: ECSClient, taskDefinition: string): Promise<void> {
  await client.send(new DeregisterTaskDefinitionCommand({ taskDefinition }));
}
