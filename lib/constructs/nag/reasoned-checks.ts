import { Stack, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { flattenCfnReference } from 'cdk-nag/lib/utils/flatten-cfn-reference.js';
import type { IConstruct } from 'constructs';

interface WildcardReason {
  readonly construct: IConstruct;
  readonly resource: string;
  readonly reason: string;
}

const REASONS = new WeakMap<IConstruct, WildcardReason[]>();

/**
 * Says why a policy below `construct` names a resource with a wildcard. The finding of cdk-nag spells the resource out
 * as CloudFormation will see it, and a reference to another stack is an import only after synthesis, so the reason is
 * matched then, by `ReasonedChecks`.
 */
export function acknowledgeWildcard(construct: IConstruct, resource: string, reason: string): void {
  const reasons = REASONS.get(construct.node.root) ?? [];
  reasons.push({ construct, resource, reason });
  REASONS.set(construct.node.root, reasons);
}

/** Every reason given by `acknowledgeWildcard` in an app: construct path, resolved resource, reason. */
export function wildcardReasons(root: IConstruct): { path: string; resource: string; reason: string }[] {
  return (REASONS.get(root) ?? []).map(({ construct, resource, reason }) => ({
    path: construct.node.path,
    resource: flattenCfnReference(Stack.of(construct).resolve(resource)),
    reason,
  }));
}

/** The AwsSolutions rules, with the reasons of `acknowledgeWildcard`. */
export class ReasonedChecks extends AwsSolutionsChecks {
  override validate(
    context: Parameters<AwsSolutionsChecks['validate']>[0],
  ): ReturnType<AwsSolutionsChecks['validate']> {
    for (const { construct, resource, reason } of REASONS.get(context.appConstruct.node.root) ?? []) {
      const finding = flattenCfnReference(Stack.of(construct).resolve(resource));
      Validations.of(construct).acknowledge({ id: `AwsSolutions-IAM5[Resource::${finding}]`, reason });
    }
    return super.validate(context);
  }
}
