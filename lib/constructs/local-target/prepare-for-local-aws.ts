import { type App, Aspects, Stack } from 'aws-cdk-lib';
import { UNSUPPORTED_TYPES } from '../../local-cloud/unsupported-types.ts';
import { markDeployment } from './deployment-mark.ts';
import { LeaveOutTypes } from './leave-out-types.ts';

/** The one place where the app for the local AWS differs in its resources. Called when all stacks are there. */
export function prepareForLocalAws(app: App): void {
  for (const stack of app.node.children.filter(Stack.isStack)) markDeployment(stack);
  Aspects.of(app).add(new LeaveOutTypes(UNSUPPORTED_TYPES));
}
