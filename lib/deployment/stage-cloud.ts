import type { StageParameters } from '../local-cloud/deployment-parameters.ts';
import {
  type CodeFound,
  type FunctionFound,
  type Inventory,
  type Leftover,
  type LogGroupFound,
  type MachineFound,
  type RevisionFound,
  type RoleFound,
  reasonOf,
  type StackResource,
  type Stacks,
} from './inventory.ts';

/**
 * The AWS account, as far as a deployment of one stage reads it and removes from it. A list is whole or its call throws:
 * what is not known must not look like what is not there.
 */
export interface StageCloud {
  parameters(): Promise<StageParameters>;
  stacks(): Promise<Stacks>;
  /** What was left alone when these stacks were deleted. */
  skipped(stackArns: readonly string[]): Promise<readonly StackResource[]>;
  machines(): Promise<readonly MachineFound[]>;
  functions(): Promise<readonly FunctionFound[]>;
  roles(): Promise<readonly RoleFound[]>;
  revisions(): Promise<readonly RevisionFound[]>;
  logGroups(): Promise<readonly LogGroupFound[]>;
  code(stacks: Stacks): Promise<readonly CodeFound[]>;
  /** Resolves when it is gone, also where it was gone before. */
  remove(leftover: Leftover): Promise<void>;
}

/**
 * Everything, read in an order in which nothing can slip through: what could name a thing (open executions) is listed
 * after the thing itself, so that whatever was started in between is seen.
 */
export async function readInventory(cloud: StageCloud): Promise<Inventory> {
  const stacks = await cloud.stacks();
  const [functions, roles, revisions, logGroups, code] = await Promise.all([
    cloud.functions(),
    cloud.roles(),
    cloud.revisions(),
    cloud.logGroups(),
    cloud.code(stacks),
  ]);
  return { stacks, functions, roles, revisions, logGroups, code, machines: await cloud.machines() };
}

export interface Removal {
  readonly removed: readonly Leftover[];
  /** What could not be removed, and why; the next deployment finds it again. */
  readonly failed: readonly (Leftover & { readonly reason: string })[];
}

/** One after the other, in the order given: nothing is removed before what names it. */
export async function removeAll(cloud: StageCloud, leftovers: readonly Leftover[]): Promise<Removal> {
  const removed: Leftover[] = [];
  const failed: (Leftover & { reason: string })[] = [];
  for (const leftover of leftovers) {
    try {
      await cloud.remove(leftover);
      removed.push(leftover);
    } catch (error) {
      failed.push({ ...leftover, reason: reasonOf(error) });
    }
  }
  return { removed, failed };
}
