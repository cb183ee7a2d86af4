import {
  type CloudFormationClient,
  paginateListStackResources,
  paginateListStacks,
} from '@aws-sdk/client-cloudformation';
import type { DeployedNames } from './recorded.ts';

export interface DeployedResourceId {
  readonly type: string;
  readonly logicalId: string;
  readonly physicalId: string;
}

const BOOTSTRAP_STACK = 'CDKToolkit';

/** Everything that is deployed now, but for what `cdk bootstrap` made. */
export async function deployedResourceIds(client: CloudFormationClient): Promise<readonly DeployedResourceId[]> {
  const found: DeployedResourceId[] = [];
  for await (const { StackSummaries = [] } of paginateListStacks({ client }, {})) {
    const stacks = StackSummaries.filter(
      ({ StackName, StackStatus }) => StackName !== BOOTSTRAP_STACK && StackStatus !== 'DELETE_COMPLETE',
    );
    for (const { StackName } of stacks) {
      for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client }, { StackName })) {
        for (const { ResourceType = '', PhysicalResourceId = '', LogicalResourceId = '' } of StackResourceSummaries)
          found.push({ type: ResourceType, logicalId: LogicalResourceId, physicalId: PhysicalResourceId });
      }
    }
  }
  return found;
}

/** The names that recorded calls have of them. */
export function namesOf(resources: readonly DeployedResourceId[]): DeployedNames {
  const of = (wanted: string) =>
    new Map(
      resources.filter(({ type }) => type === wanted).map(({ physicalId, logicalId }) => [physicalId, logicalId]),
    );
  return { roles: of('AWS::IAM::Role'), tables: of('AWS::DynamoDB::Table'), buckets: of('AWS::S3::Bucket') };
}
