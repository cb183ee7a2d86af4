import type { Inventory, Leftover, MachineFound } from '../../../lib/deployment/inventory.ts';
import { type NamedThings, NOTHING } from '../../../lib/deployment/named-things.ts';
import type { StageCloud } from '../../../lib/deployment/stage-cloud.ts';

export const LONG_AGO = new Date('2026-01-01T00:00:00.000Z');

export function anInventory(fields: Partial<Inventory> = {}): Inventory {
  return {
    stacks: { arns: [], resources: [], deployedAt: null },
    machines: [],
    functions: [],
    roles: [],
    revisions: [],
    logGroups: [],
    code: [],
    ...fields,
  };
}

export function machineArn(workflow: string, stage = 'prod'): string {
  return `arn:aws:states:eu-central-1:123456789012:stateMachine:wflo-${stage}-${workflow}`;
}

export function aMachine(workflow: string, fields: Partial<MachineFound> = {}, stage = 'prod'): MachineFound {
  return { workflow, arn: machineArn(workflow, stage), at: LONG_AGO, names: NOTHING, open: [], ...fields };
}

export function names(fields: Partial<NamedThings>): NamedThings {
  return { ...NOTHING, ...fields };
}

/** An account in memory: what is removed is gone from it. */
export class FakeStageCloud implements StageCloud {
  readonly removed: Leftover[] = [];
  inventory: Inventory;
  workflows: readonly string[];
  /** Makes a call fail. */
  refuse: { readonly [method in keyof StageCloud]?: Error } = {};
  refuseRemoval: (leftover: Leftover) => Error | undefined = () => undefined;
  skippedResources: Awaited<ReturnType<StageCloud['skipped']>> = [];

  constructor(inventory: Partial<Inventory> = {}, workflows: readonly string[] = []) {
    this.inventory = anInventory(inventory);
    this.workflows = workflows;
  }

  async parameters() {
    return this.answer('parameters', { controlApiUrl: 'https://api.example/v1', workflows: this.workflows });
  }
  async stacks() {
    return this.answer('stacks', this.inventory.stacks);
  }
  async skipped() {
    return this.answer('skipped', this.skippedResources);
  }
  async machines() {
    return this.answer('machines', this.inventory.machines);
  }
  async functions() {
    return this.answer('functions', this.inventory.functions);
  }
  async roles() {
    return this.answer('roles', this.inventory.roles);
  }
  async revisions() {
    return this.answer('revisions', this.inventory.revisions);
  }
  async logGroups() {
    return this.answer('logGroups', this.inventory.logGroups);
  }
  async code() {
    return this.answer('code', this.inventory.code);
  }

  async remove(leftover: Leftover) {
    const refused = this.refuseRemoval(leftover);
    if (refused !== undefined) throw refused;
    this.removed.push(leftover);
    const { id } = leftover;
    const { inventory } = this;
    this.inventory = {
      ...inventory,
      machines: inventory.machines.filter(({ arn }) => arn !== id),
      functions: inventory.functions
        .filter(({ name }) => name !== id)
        .map((each) => ({ ...each, versions: each.versions.filter(({ arn }) => arn !== id) })),
      roles: inventory.roles.filter(({ name }) => name !== id),
      revisions: inventory.revisions.filter(({ arn }) => arn !== id),
      logGroups: inventory.logGroups.filter(({ name }) => name !== id),
      code: inventory.code.filter(({ bucket, key }) => `s3://${bucket}/${key}` !== id),
    };
  }

  private answer<T>(method: keyof StageCloud, value: T): T {
    const refused = this.refuse[method];
    if (refused !== undefined) throw refused;
    return value;
  }
}
