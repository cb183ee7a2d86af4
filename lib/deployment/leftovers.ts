import type { FunctionFound, Inventory, Leftover, LogGroupFound, MachineFound, Stacks } from './inventory.ts';
import { type NamedThings, union } from './named-things.ts';

/**
 * What a start may name that is on its way: Step Functions uses the old definition for some seconds after an update,
 * and lists an execution some seconds after its start. An hour is far more than that.
 */
export const GRACE_MS = 3_600_000;
/** Code costs little, and a deployment that brings it back need not copy it again. */
export const CODE_KEPT_MS = 30 * 24 * 3_600_000;

/** How a stage was before a deployment began: executions may still start with that while it goes on. */
export interface Before {
  readonly stacks: Stacks;
  /** By the definitions of all machines. */
  readonly names: NamedThings;
}

/**
 * What a deployment has left behind and nobody needs any more. It stays while a stack manages it now or did before this
 * deployment, while a definition names it that starts use or used before this deployment, while an open execution names
 * it, and for an hour after it was made. So what this deployment has replaced goes with a later one; and within an hour
 * of the deployment before, nothing goes at all.
 */
export function leftoversOf(found: Inventory, before: Before, now: Date): readonly Leftover[] {
  const lately = (at: Date) => now.getTime() - at.getTime() < GRACE_MS;
  if (before.stacks.deployedAt !== null && lately(before.stacks.deployedAt)) return [];
  const managed = managedBy(found.stacks, before.stacks);
  const keeps = (id: string, at: Date) => managed.has(id) || lately(at);

  const machines = found.machines.filter(({ arn, at, open }) => open.length > 0 || keeps(arn, at));
  const named = setsOf(union([before.names, ...namesOf(machines)]));
  const functions = found.functions
    .map((each) => ({
      ...each,
      versions: each.versions.filter(({ arn, at }) => named.versions.has(arn) || keeps(arn, at)),
    }))
    .filter(({ name, at, versions }) => versions.length > 0 || keeps(name, at));
  const versions = functions.flatMap((each) => each.versions);
  const used = new Set([...named.roles, ...functions.map(({ role }) => role), ...versions.map(({ role }) => role)]);

  return [
    ...without(found.machines, machines, ({ arn }) => arn).map((arn) => leftover('state_machine', arn)),
    ...without(found.functions, functions, ({ name }) => name).map((name) => leftover('function', name)),
    ...goneVersions(found.functions, functions).map((arn) => leftover('function_version', arn)),
    ...found.logGroups
      .filter((group) => isAbandoned(group, machines, functions) && !keeps(group.name, group.at))
      .map(({ name }) => leftover('log_group', name)),
    ...found.roles
      .filter(({ name, at }) => !used.has(name) && !keeps(name, at))
      .map(({ name }) => leftover('role', name)),
    ...found.revisions
      .filter(({ arn, at }) => !named.revisions.has(arn) && !keeps(arn, at))
      .map(({ arn }) => leftover('task_definition', arn)),
    ...found.code
      .filter(({ sha256, at }) => !named.code.has(sha256) && now.getTime() - at.getTime() >= CODE_KEPT_MS)
      .map(({ bucket, key }) => leftover('code', `s3://${bucket}/${key}`)),
  ];
}

/** Machines of workflows that left the project and come back, while executions of them are still open. */
export function retainedInUse(found: Inventory, adding: readonly string[]): readonly MachineFound[] {
  return retained(found, adding).filter(({ open }) => open.length > 0);
}

/**
 * What has the name of something that a deployment is about to make, because it was retained when its workflow left
 * the project. Their owner cannot be started through the control API any more, so the grace of `leftoversOf` is not
 * needed: what no open execution names may go.
 */
export function inTheWay(found: Inventory, adding: readonly string[]): readonly Leftover[] {
  const managed = managedBy(found.stacks);
  const going = new Set(retained(found, adding).filter(({ open }) => open.length === 0));
  const machines = found.machines.filter((machine) => !going.has(machine));
  const named = setsOf(union(namesOf(machines)));
  const functions = found.functions.filter(
    ({ name, versions }) =>
      managed.has(name) || versions.some(({ arn }) => managed.has(arn) || named.versions.has(arn)),
  );
  return [
    ...[...going].map(({ arn }) => leftover('state_machine', arn)),
    ...without(found.functions, functions, ({ name }) => name).map((name) => leftover('function', name)),
    ...found.logGroups
      .filter((group) => isAbandoned(group, machines, functions) && !managed.has(group.name))
      .map(({ name }) => leftover('log_group', name)),
  ];
}

/**
 * Everything that outlives the stacks of a stage when they are destroyed; not its code, which is data. Roles come before
 * the task definitions, which tell of some of them: what fails half-way is found again.
 */
export function remainsOf(found: Inventory, stage: string): readonly Leftover[] {
  const pulling = found.revisions.flatMap(({ executionRole }) => executionRole ?? []);
  const roles = [...found.roles.map(({ name }) => name), ...pulling.filter((name) => isOfPlatform(name, stage))];
  return [
    ...found.machines.map(({ arn }) => leftover('state_machine', arn)),
    ...found.functions.map(({ name }) => leftover('function', name)),
    ...found.logGroups.map(({ name }) => leftover('log_group', name)),
    ...[...new Set(roles)].map((name) => leftover('role', name)),
    ...found.revisions.map(({ arn }) => leftover('task_definition', arn)),
  ];
}

/** CloudFormation begins the names that it makes up with the name of the stack. */
function isOfPlatform(role: string, stage: string): boolean {
  return role.startsWith(`WfloPlatform-${stage}-`);
}

function retained({ machines, stacks }: Inventory, workflows: readonly string[]): readonly MachineFound[] {
  const managed = managedBy(stacks);
  return machines.filter(({ arn, workflow }) => workflows.includes(workflow) && !managed.has(arn));
}

function managedBy(...stacks: readonly Stacks[]): ReadonlySet<string> {
  return new Set(stacks.flatMap(({ resources }) => resources.map(({ id }) => id)));
}

function namesOf(machines: readonly MachineFound[]): readonly NamedThings[] {
  return machines.flatMap(({ names, open }) => [names, ...open]);
}

function setsOf({ versions, revisions, code, roles }: NamedThings) {
  return { versions: new Set(versions), revisions: new Set(revisions), code: new Set(code), roles: new Set(roles) };
}

function goneVersions(found: readonly FunctionFound[], kept: readonly FunctionFound[]): readonly string[] {
  const keptVersions = new Map(kept.map(({ name, versions }) => [name, new Set(versions.map(({ arn }) => arn))]));
  return found.flatMap(({ name, versions }) => {
    const keeps = keptVersions.get(name);
    return keeps === undefined ? [] : versions.map(({ arn }) => arn).filter((arn) => !keeps.has(arn));
  });
}

/** The log of a machine or of a function of a workflow that is not among these. */
function isAbandoned(
  { name }: LogGroupFound,
  machines: readonly MachineFound[],
  functions: readonly FunctionFound[],
): boolean {
  const [, machine] = /^\/aws\/vendedlogs\/states\/(.+)$/.exec(name) ?? [];
  if (machine !== undefined) return !machines.some(({ arn }) => arn.endsWith(`:${machine}`));
  const [, stage, rest] = /^\/wflo\/([^/]+)\/((?:step|setup)-.+)$/.exec(name) ?? [];
  return rest !== undefined && !functions.some((each) => each.name === `wflo-${stage}-${rest}`);
}

function without<T>(all: readonly T[], kept: readonly T[], id: (thing: T) => string): readonly string[] {
  const ids = new Set(kept.map(id));
  return all.map(id).filter((each) => !ids.has(each));
}

function leftover(kind: Leftover['kind'], id: string): Leftover {
  return { kind, id };
}
