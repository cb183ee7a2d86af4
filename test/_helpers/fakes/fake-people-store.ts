import type { WfloEvent } from '../../../lib/audit/events.ts';
import type { Directory, DirectoryChange, Link, PeopleRecords, TenantRecord } from '../../../lib/people/directory.ts';
import { type PeopleStore, peopleStore } from '../../../lib/people/people-store.ts';
import type { GroupRecord, PersonRecord } from '../../../lib/people/records.ts';
import { tenantChain } from '../../../lib/people/tenant-chain.ts';
import type { Clock, Ids } from '../../../lib/ports.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeIds } from './fake-ids.ts';

export const CREATED_AT = '2026-01-01T00:00:00.000Z';

/** Of the default tenant, active, with the identity of an IAM user of that name. */
export function aPerson(fields: Partial<PersonRecord> & { readonly personId: string }): PersonRecord {
  return {
    schema: 1,
    tenant: 'default',
    name: fields.personId,
    roles: [],
    identities: [`arn:aws:iam::123456789012:user/${fields.personId}`],
    active: true,
    version: 1,
    createdAt: CREATED_AT,
    ...fields,
  };
}

export function aGroup(group: string, members: readonly string[], tenant = 'default'): GroupRecord {
  return { schema: 1, tenant, group, members, version: 1 };
}

export interface FakePeopleStore extends PeopleStore {
  /** Puts records in as they are, without events: tenants and identities with their people. */
  seed(records: {
    readonly people?: readonly PersonRecord[];
    readonly groups?: readonly GroupRecord[];
    readonly attested?: readonly string[];
  }): FakePeopleStore;
  /** Every event that was committed, in order. */
  events(tenant?: string): readonly WfloEvent[];
  /** Runs before a commit looks at the records; tests use it to let something else happen in between. */
  beforeCommit: (() => void | Promise<void>) | undefined;
}

/** The rules that everybody has, over records in memory. */
export function fakePeopleStore(options: { readonly clock?: Clock; readonly ids?: Ids } = {}): FakePeopleStore {
  const records = new FakePeopleRecords();
  const store: FakePeopleStore = {
    ...peopleStore(records, { clock: options.clock ?? new FakeClock(), ids: options.ids ?? new FakeIds() }),
    seed(seeds) {
      records.seed(seeds.people ?? [], seeds.groups ?? [], seeds.attested ?? []);
      return store;
    },
    events: (tenant) =>
      records.events.filter((event) => tenant === undefined || event.executionId === tenantChain(tenant).executionId),
    beforeCommit: undefined,
  };
  records.beforeCommit = () => store.beforeCommit?.();
  return store;
}

class FakePeopleRecords implements PeopleRecords {
  readonly events: WfloEvent[] = [];
  beforeCommit: () => void | Promise<void> = () => {};
  readonly #tenants = new Map<string, TenantRecord>();
  readonly #people = new Map<string, PersonRecord>();
  readonly #groups = new Map<string, GroupRecord>();
  readonly #links = new Map<string, Link>();
  readonly #attested = new Set<string>();
  #bootstrapped = false;

  seed(people: readonly PersonRecord[], groups: readonly GroupRecord[], attested: readonly string[]): void {
    for (const person of people) {
      this.#people.set(`${person.tenant} ${person.personId}`, structuredClone(person));
      for (const identity of person.identities) {
        this.#links.set(identity, { identity, tenant: person.tenant, personId: person.personId });
      }
    }
    for (const group of groups) this.#groups.set(`${group.tenant} ${group.group}`, structuredClone(group));
    for (const { tenant } of [...people, ...groups]) {
      if (!this.#tenants.has(tenant))
        this.#tenants.set(tenant, { schema: 1, tenant, version: 1, createdAt: CREATED_AT });
    }
    for (const roleArn of attested) this.#attested.add(roleArn);
    this.#bootstrapped ||= people.length > 0;
  }

  async directory(tenant: string): Promise<Directory | undefined> {
    const record = this.#tenants.get(tenant);
    if (record === undefined) return undefined;
    return {
      tenant: record,
      people: await this.listPeople(tenant),
      groups: await this.listGroups(tenant),
    };
  }

  async getPerson(tenant: string, personId: string): Promise<PersonRecord | undefined> {
    return structuredClone(this.#people.get(`${tenant} ${personId}`));
  }

  async getGroup(tenant: string, group: string): Promise<GroupRecord | undefined> {
    return structuredClone(this.#groups.get(`${tenant} ${group}`));
  }

  async listPeople(tenant: string): Promise<readonly PersonRecord[]> {
    return of(this.#people, tenant).sort((a, b) => (a.personId < b.personId ? -1 : 1));
  }

  async listGroups(tenant: string): Promise<readonly GroupRecord[]> {
    return of(this.#groups, tenant).sort((a, b) => (a.group < b.group ? -1 : 1));
  }

  async ownerOf(identity: string): Promise<Link | undefined> {
    return this.#links.get(identity);
  }

  async isAttested(roleArn: string): Promise<boolean> {
    return this.#attested.has(roleArn);
  }

  async isBootstrapped(): Promise<boolean> {
    return this.#bootstrapped;
  }

  async eventCount(tenant: string): Promise<number> {
    return this.events.filter((event) => event.executionId === tenantChain(tenant).executionId).length;
  }

  async commit(tenant: TenantRecord, change: DirectoryChange): Promise<boolean> {
    await this.beforeCommit();
    // Nothing below awaits, so no other commit can come in between.
    const { people = [], groups = [], link = [], unlink = [] } = change;
    const follows = (stored: { version: number } | undefined, next: { version: number }) =>
      (stored?.version ?? 0) === next.version - 1;
    const holds =
      follows(this.#tenants.get(tenant.tenant), tenant) &&
      people.every((person) => follows(this.#people.get(`${person.tenant} ${person.personId}`), person)) &&
      groups.every((group) => follows(this.#groups.get(`${group.tenant} ${group.group}`), group)) &&
      link.every(({ identity }) => !this.#links.has(identity)) &&
      unlink.every((one) => {
        const stored = this.#links.get(one.identity);
        return stored?.tenant === one.tenant && stored.personId === one.personId;
      }) &&
      !(change.bootstrap && this.#bootstrapped) &&
      !(change.attest !== undefined && this.#attested.has(change.attest));
    if (!holds) return false;
    this.#tenants.set(tenant.tenant, tenant);
    for (const person of people) this.#people.set(`${person.tenant} ${person.personId}`, structuredClone(person));
    for (const group of groups) this.#groups.set(`${group.tenant} ${group.group}`, structuredClone(group));
    for (const one of link) this.#links.set(one.identity, one);
    for (const { identity } of unlink) this.#links.delete(identity);
    if (change.bootstrap) this.#bootstrapped = true;
    if (change.attest !== undefined) this.#attested.add(change.attest);
    this.events.push(...structuredClone(change.events));
    return true;
  }
}

function of<R extends { readonly tenant: string }>(records: ReadonlyMap<string, R>, tenant: string): R[] {
  return structuredClone([...records.values()].filter((record) => record.tenant === tenant));
}
