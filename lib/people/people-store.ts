import { buildEvent } from '../audit/build-event.ts';
import { WfloError } from '../errors.ts';
import { DEFAULT_TENANT } from '../execution/actors.ts';
import { type Actor, SCHEMA } from '../execution/records.ts';
import { untilDecided } from '../execution/until-decided.ts';
import type { Clock, Ids, People } from '../ports.ts';
import type { Directory, DirectoryChange, PeopleRecords, TenantRecord } from './directory.ts';
import { findByIdentity } from './find-by-identity.ts';
import { checkPlainName } from './names.ts';
import type { GroupRecord, PersonRecord } from './records.ts';
import {
  addPerson,
  attestRole,
  changePerson,
  linkedAlready,
  linkIdentity,
  linkOf,
  type NewPerson,
  newPerson,
  removePerson,
  setGroup,
  type Tell,
  unlinkIdentity,
} from './rules.ts';
import { tenantChain } from './tenant-chain.ts';

export interface FirstPerson {
  readonly personId: string;
  readonly name: string;
  /** As `identityOf` writes it. */
  readonly identity: string;
}

/**
 * People, groups and tenants. Every change is one transaction with its event; `by` is who makes it. A change that
 * finds all as it wants it writes nothing.
 */
export interface PeopleStore extends People {
  /** The person that an identity is linked to, active or not. */
  findByIdentity(identity: string): Promise<PersonRecord | undefined>;
  /** Whether an administrator says that the sessions of an IAM role are each one person. */
  isAttested(roleArn: string): Promise<boolean>;
  /** By id; removed people too. */
  listPeople(tenant: string): Promise<readonly PersonRecord[]>;
  listGroups(tenant: string): Promise<readonly GroupRecord[]>;
  /** How many events the chain of the tenant must come to. */
  tenantEventCount(tenant: string): Promise<number>;
  /** The first administrator, of the default tenant. Throws `already_bootstrapped` after the first time. */
  bootstrap(first: FirstPerson, by: Actor): Promise<PersonRecord>;
  /** A tenant with its first administrator. Throws `person_exists` where there is one, or the identity is linked. */
  createTenant(tenant: string, first: FirstPerson, by: Actor): Promise<PersonRecord>;
  add(tenant: string, person: NewPerson, by: Actor): Promise<PersonRecord>;
  /** Sets name and roles. */
  change(tenant: string, person: NewPerson, by: Actor): Promise<PersonRecord>;
  remove(tenant: string, personId: string, by: Actor): Promise<PersonRecord>;
  link(tenant: string, personId: string, identity: string, by: Actor): Promise<PersonRecord>;
  unlink(tenant: string, personId: string, identity: string, by: Actor): Promise<PersonRecord>;
  setGroup(tenant: string, group: string, members: readonly string[], by: Actor): Promise<GroupRecord>;
  /** `own`: person and session of the caller, where it calls in a session of that role. */
  attest(
    tenant: string,
    roleArn: string,
    own: { readonly personId: string; readonly session: string } | undefined,
    by: Actor,
  ): Promise<void>;
}

/** The rules over what is stored, wherever that is. */
export function peopleStore(
  records: PeopleRecords,
  sources: { readonly clock: Clock; readonly ids: Ids },
): PeopleStore {
  const now = () => sources.clock.now().toISOString();

  function tellerOf(tenant: string, actor: Actor): Tell {
    return (type, data) => buildEvent(sources, tenantChain(tenant), { type, data, actor });
  }

  /** Reads all of a tenant, decides, and writes that, as often as somebody else was faster. */
  function decided<D extends { readonly change?: DirectoryChange }>(
    tenant: string,
    decide: (directory: Directory) => D | Promise<D>,
  ): Promise<D> {
    return untilDecided(async () => {
      const directory = await records.directory(tenant);
      if (directory === undefined) throw new WfloError('internal', `there is no tenant ${tenant}`);
      const decision = await decide(directory);
      if (decision.change === undefined) return decision;
      return (await records.commit(nextTenant(directory.tenant), decision.change)) ? decision : undefined;
    });
  }

  async function decidedPerson(
    tenant: string,
    decide: (directory: Directory) => ReturnType<typeof addPerson> | Promise<ReturnType<typeof addPerson>>,
  ): Promise<PersonRecord> {
    return (await decided(tenant, decide)).person;
  }

  /** Throws `person_exists` where the identity is somebody's. */
  async function firstAdministrator(tenant: TenantRecord, first: FirstPerson): Promise<PersonRecord> {
    const owner = await records.ownerOf(first.identity);
    if (owner !== undefined) throw linkedAlready({ tenant }, owner);
    return newPerson(tenant.tenant, { ...first, roles: ['administrator'] }, [first.identity], tenant.createdAt);
  }

  return {
    findByIdentity: (identity) => findByIdentity(records, identity),
    getPerson: (tenant, personId) => records.getPerson(tenant, personId),
    getGroup: (tenant, group) => records.getGroup(tenant, group),
    isAttested: (roleArn) => records.isAttested(roleArn),
    listPeople: (tenant) => records.listPeople(tenant),
    listGroups: (tenant) => records.listGroups(tenant),
    tenantEventCount: (tenant) => records.eventCount(tenant),

    bootstrap(first, by) {
      return untilDecided(async () => {
        if (await records.isBootstrapped()) {
          throw new WfloError('already_bootstrapped', 'this deployment has had its first administrator', {
            fix: 'ask an administrator to add you',
          });
        }
        const tenant = newTenant(DEFAULT_TENANT, now());
        const person = await firstAdministrator(tenant, first);
        const { personId } = person;
        const committed = await records.commit(tenant, {
          people: [person],
          link: [linkOf(person, first.identity)],
          bootstrap: true,
          events: [tellerOf(DEFAULT_TENANT, by)('people.bootstrapped', { personId, identity: first.identity })],
        });
        return committed ? person : undefined;
      });
    },

    async createTenant(name, first, by) {
      checkPlainName('the name of a tenant', name);
      return untilDecided(async () => {
        if ((await records.directory(name)) !== undefined) {
          throw new WfloError('person_exists', `the tenant ${name} exists`, { fix: 'choose another name' });
        }
        const tenant = newTenant(name, now());
        const person = await firstAdministrator(tenant, first);
        const { personId, roles } = person;
        const tell = tellerOf(name, by);
        const committed = await records.commit(tenant, {
          people: [person],
          link: [linkOf(person, first.identity)],
          events: [
            // For those who run the deployment, and as the beginning of the tenant's own chain.
            tellerOf(DEFAULT_TENANT, by)('tenant.created', { tenant: name, personId }),
            tell('tenant.created', { tenant: name, personId }),
            tell('people.added', { personId, name: person.name, roles: [...roles] }),
            tell('people.linked', { personId, identity: first.identity }),
          ],
        });
        return committed ? person : undefined;
      });
    },

    add: (tenant, person, by) =>
      decidedPerson(tenant, (directory) => addPerson(directory, tellerOf(tenant, by), person, now())),
    change: (tenant, person, by) =>
      decidedPerson(tenant, (directory) => changePerson(directory, tellerOf(tenant, by), person)),
    remove: (tenant, personId, by) =>
      decidedPerson(tenant, (directory) => removePerson(directory, tellerOf(tenant, by), personId)),
    link: (tenant, personId, identity, by) =>
      decidedPerson(tenant, async (directory) =>
        linkIdentity(directory, tellerOf(tenant, by), personId, identity, await records.ownerOf(identity)),
      ),
    unlink: (tenant, personId, identity, by) =>
      decidedPerson(tenant, (directory) => unlinkIdentity(directory, tellerOf(tenant, by), personId, identity)),
    async setGroup(tenant, group, members, by) {
      return (await decided(tenant, (directory) => setGroup(directory, tellerOf(tenant, by), group, members))).group;
    },
    async attest(tenant, roleArn, own, by) {
      await decided(tenant, async (directory) => {
        if (await records.isAttested(roleArn)) return {};
        const owner = await records.ownerOf(roleArn);
        return { change: attestRole(directory, tellerOf(tenant, by), roleArn, owner, own) };
      });
    },
  };
}

function newTenant(tenant: string, createdAt: string): TenantRecord {
  return { schema: SCHEMA, tenant, version: 1, createdAt };
}

function nextTenant(tenant: TenantRecord): TenantRecord {
  return { ...tenant, version: tenant.version + 1 };
}
