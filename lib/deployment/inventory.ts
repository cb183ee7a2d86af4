import type { NamedThings } from './named-things.ts';

/** What one stage has in its account, beside what its stacks manage. Times are when a thing was made or last changed. */
export interface Inventory {
  readonly stacks: Stacks;
  readonly machines: readonly MachineFound[];
  readonly functions: readonly FunctionFound[];
  /** Below the path `/wflo/<stage>/workflows/`. */
  readonly roles: readonly RoleFound[];
  /** Active ones of the families `wflo-<stage>-…`. */
  readonly revisions: readonly RevisionFound[];
  readonly logGroups: readonly LogGroupFound[];
  readonly code: readonly CodeFound[];
}

/** What the stacks of a stage manage. */
export interface Stacks {
  /** ARNs of those that are there: by them, CloudFormation tells of a stack after it was deleted. */
  readonly arns: readonly string[];
  readonly resources: readonly StackResource[];
  /** When the workflows were last deployed; null where they never were. */
  readonly deployedAt: Date | null;
}

export interface StackResource {
  readonly stack: string;
  /** Such as `AWS::Lambda::Version`. */
  readonly type: string;
  /** Physical id: a name, or an ARN where CloudFormation uses one. */
  readonly id: string;
}

export interface MachineFound {
  readonly workflow: string;
  readonly arn: string;
  readonly at: Date;
  /** By the definition that the next start uses. */
  readonly names: NamedThings;
  /** By the definitions that open executions go on with, one for each. */
  readonly open: readonly NamedThings[];
}

/** A function of a workflow: `wflo-<stage>-step-…` or `wflo-<stage>-setup-…`. */
export interface FunctionFound {
  readonly name: string;
  readonly at: Date;
  readonly role: string;
  /** Published ones, without `$LATEST`. */
  readonly versions: readonly VersionFound[];
}

export interface VersionFound {
  /** Qualified. */
  readonly arn: string;
  readonly at: Date;
  readonly role: string;
}

export interface RoleFound {
  readonly name: string;
  readonly at: Date;
}

export interface RevisionFound {
  readonly arn: string;
  readonly at: Date;
  /** Name of the role that pulls the image. */
  readonly executionRole: string | null;
}

export interface LogGroupFound {
  readonly name: string;
  readonly at: Date;
}

export interface CodeFound {
  readonly bucket: string;
  readonly key: string;
  readonly sha256: string;
  readonly at: Date;
}

export type Kind =
  | 'state_machine'
  | 'function'
  | 'function_version'
  | 'log_group'
  | 'role'
  | 'task_definition'
  | 'code';

/** Something to remove. `id` is an ARN or a name; of code `s3://<bucket>/<key>`. */
export interface Leftover {
  readonly kind: Kind;
  readonly id: string;
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
