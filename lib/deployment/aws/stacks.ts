import {
  type CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import type { StackResource, Stacks } from '../inventory.ts';
import { STACKS, stackName } from '../stack-names.ts';

export async function readStacks(client: CloudFormationClient, stage: string): Promise<Stacks> {
  const arns: string[] = [];
  const resources: StackResource[] = [];
  let deployedAt: Date | null = null;
  for (const stack of STACKS) {
    const StackName = stackName(stack, stage);
    const described = await describe(client, StackName);
    if (described === undefined) continue;
    arns.push(described.StackId ?? StackName);
    if (stack === 'Workflows') deployedAt = described.LastUpdatedTime ?? described.CreationTime ?? null;
    for await (const page of paginateListStackResources({ client }, { StackName })) {
      for (const { ResourceType: type, PhysicalResourceId: id, ResourceStatus } of page.StackResourceSummaries ?? []) {
        if (type === undefined || id === undefined || isGone(ResourceStatus)) continue;
        resources.push({ stack: StackName, type, id });
      }
    }
  }
  return { arns, resources, deployedAt };
}

/** What CloudFormation left alone when it deleted these stacks, because their templates say so. */
export async function readSkipped(
  client: CloudFormationClient,
  arns: readonly string[],
): Promise<readonly StackResource[]> {
  const skipped: StackResource[] = [];
  for (const StackName of arns) {
    for await (const page of paginateListStackResources({ client }, { StackName })) {
      for (const { ResourceType: type, PhysicalResourceId: id, ResourceStatus } of page.StackResourceSummaries ?? []) {
        if (type === undefined || id === undefined || ResourceStatus !== 'DELETE_SKIPPED') continue;
        skipped.push({ stack: StackName, type, id });
      }
    }
  }
  return skipped;
}

async function describe(client: CloudFormationClient, StackName: string) {
  try {
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    return stack;
  } catch (error) {
    // CloudFormation has no error of its own for this.
    if (error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message)) {
      return undefined;
    }
    throw error;
  }
}

/** `DELETE_SKIPPED`: it is there, and no stack's any more. */
function isGone(status: string | undefined): boolean {
  return status === 'DELETE_COMPLETE' || status === 'DELETE_SKIPPED';
}
