import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { Deployment } from '../deployment/deployment.ts';
import type { PlatformFunction } from '../platform-function/platform-function.ts';

/** What `state-machines/<workflow>/resources.ts` gets to work with. */
export interface WorkflowTools {
  readonly deployment: Deployment;
  /** Over the data of the stage. */
  readonly dataKey: Key;
  /** The function of a `lambda` step, by the step's path. Throws `unknown_reference` for another path. */
  stepFunction(path: string): PlatformFunction;
  /** A function for custom resources of the workflow, from a file of its `functions/` folder. */
  setupFunction(
    name: string,
    options: { readonly description: string; readonly timeoutSeconds: number },
  ): PlatformFunction;
}

/** Default export of `resources.ts`: makes what the step functions of a workflow need, and grants it to them. */
export type WorkflowResources = (scope: Construct, tools: WorkflowTools) => void;
