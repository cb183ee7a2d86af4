import type { Report } from '../local-cloud/progress.ts';
import type { InUse } from './check-removed.ts';
import type { Leftover } from './inventory.ts';
import type { Removal } from './stage-cloud.ts';

export interface DeploymentOptions {
  /** The folder with `cdk.json` and `state-machines/`. */
  readonly projectDir: string;
  readonly report: Report;
  /** One line for people, about something to know that is no error. */
  readonly note: (text: string) => void;
  /** Default: `wflo:stage` of cdk.json, else `dev`. */
  readonly stage?: string;
}

/** `deploy(options): Promise<DeployResult>`. Throws `deploy_failed`, `workflow_in_use`, `workflow_retained`. */
export interface DeployOptions extends DeploymentOptions {
  /** Default `broadening`: CDK asks on the terminal before it widens permissions. */
  readonly approval?: 'never' | 'broadening' | 'any-change';
}

export interface DeployResult {
  readonly stage: string;
  readonly controlApiUrl: string;
  readonly workflows: readonly string[];
  /** Workflows that left the project, and are retained for their open executions. */
  readonly retained: readonly InUse[];
  readonly leftovers: Leftovers;
  readonly milliseconds: number;
}

/** What earlier deployments had left behind. */
export interface Leftovers extends Removal {
  /** Why nothing was looked for or removed; null where it was. */
  readonly problem: string | null;
}

/** `destroy(options): Promise<DestroyResult>`. Throws `destroy_failed`, `stage_in_use`. */
export interface DestroyOptions extends Omit<DeploymentOptions, 'stage'> {
  readonly stage: string;
  /** Also tables, audit chain, artefacts and bus. */
  readonly deleteData: boolean;
}

export interface DestroyResult {
  readonly stage: string;
  readonly dataDeleted: boolean;
  /** What the stacks had left, and was removed after them. */
  readonly removed: readonly Removed[];
  /** What is still there, in this account. */
  readonly stays: readonly Staying[];
  readonly milliseconds: number;
}

export type Removed = Leftover | DataRemoved;

export interface DataRemoved {
  readonly kind: 'table' | 'bucket' | 'event_bus';
  readonly id: string;
}

export interface Staying {
  /** Type of CloudFormation, such as `AWS::KMS::Key`. */
  readonly type: string;
  readonly id: string;
}
