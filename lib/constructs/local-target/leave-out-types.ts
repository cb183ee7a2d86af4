import { CfnResource, type IAspect } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Takes resources of the given types out of the tree. Nothing else may refer to them. */
export class LeaveOutTypes implements IAspect {
  private readonly types: Readonly<Record<string, string>>;

  constructor(types: Readonly<Record<string, string>>) {
    this.types = types;
  }

  visit(node: IConstruct): void {
    if (!CfnResource.isCfnResource(node) || !(node.cfnResourceType in this.types)) return;
    node.node.scope?.node.tryRemoveChild(node.node.id);
  }
}
