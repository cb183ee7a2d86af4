import { CfnDeletionPolicy, CfnResource, type RemovalPolicy } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Keeps the old resource when an update replaces it, because open executions still name it; `onDeletion` says what
 * happens when it leaves the template.
 */
export function retainOnReplacement(construct: IConstruct, onDeletion: RemovalPolicy): void {
  const resource = CfnResource.isCfnResource(construct) ? construct : construct.node.defaultChild;
  if (resource === undefined || !CfnResource.isCfnResource(resource)) {
    throw new Error(`${construct.node.path} is no single resource`);
  }
  resource.applyRemovalPolicy(onDeletion, { applyToUpdateReplacePolicy: false });
  resource.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
}
