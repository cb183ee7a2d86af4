import { CfnWaitConditionHandle, type Stack } from 'aws-cdk-lib';

/**
 * A resource without effect that is another one in every synthesis. The local AWS takes a template of which only the
 * outputs changed for unchanged, and the stacks that import a new output then fail; with this there is always a change.
 */
export function markDeployment(stack: Stack): void {
  new CfnWaitConditionHandle(stack, `DeployedAt${Date.now()}`);
}
