import type { EventData } from '../audit/catalogue.ts';
import type { EventType, WfloEvent } from '../audit/events.ts';
import { WfloError } from '../errors.ts';
import { SCHEMA } from '../execution/records.ts';
import type { Directory, DirectoryChange, Link } from './directory.ts';
import { checkPersonName, checkPlainName } from './names.ts';
import type { GroupRecord, PersonRecord } from './records.ts';
import { ROLES, type Role } from './roles.ts';

/** Makes an event of the chain of the tenant whose rules are asked. */
export type Tell = <T extends EventType>(type: T, data: EventData<T>) => WfloEvent;

/** So that whatever a rule changes fits one transaction of 100 items. */
export const MAX_IDENTITIES = 20;
export const MAX_GROUPS_OF_PERSON = 50;
export const MAX_MEMBERS = 500;

export interface NewPerson {
  readonly personId: string;
  readonly name: string;
  readonly roles: readonly Role[];
}

/** The person after the change; without a change where all is so already. */
export interface PersonDecision {
  readonly person: PersonRecord;
  readonly change?: DirectoryChange;
}

/** Throws `invalid_request`. */
export function newPerson(
  tenant: string,
  request: NewPerson,
  identities: readonly string[],
  createdAt: string,
): PersonRecord {
  checkPlainName('the id of a person', request.personId);
  checkPersonName(request.name);
  return {
    schema: SCHEMA,
    tenant,
    personId: request.personId,
    name: request.name,
    roles: inOrder(request.roles),
    identities,
    active: true,
    version: 1,
    createdAt,
  };
}

/** Throws `person_exists` also for whoever was removed: what a person did keeps meaning that person. */
export function addPerson(directory: Directory, tell: Tell, request: NewPerson, createdAt: string): PersonDecision {
  const person = newPerson(directory.tenant.tenant, request, [], createdAt);
  const existing = find(directory, request.personId);
  if (existing !== undefined) {
    throw new WfloError(
      'person_exists',
      existing.active ? `${existing.personId} exists` : `${existing.personId} was removed, and no id is used again`,
      { fix: 'choose another id' },
    );
  }
  const { personId, name, roles } = person;
  return {
    person,
    change: { people: [person], events: [tell('people.added', { personId, name, roles: [...roles] })] },
  };
}

export function changePerson(directory: Directory, tell: Tell, request: NewPerson): PersonDecision {
  checkPersonName(request.name);
  const before = activePerson(directory, request.personId);
  const roles = inOrder(request.roles);
  if (before.name === request.name && before.roles.join() === roles.join()) return { person: before };
  const person = next(before, { name: request.name, roles });
  checkAdministrators(directory, person);
  const { personId, name } = person;
  return {
    person,
    change: { people: [person], events: [tell('people.changed', { personId, name, roles: [...roles] })] },
  };
}

/** The record stays, so that what the person did has a name; nothing is left that gives a right. */
export function removePerson(directory: Directory, tell: Tell, personId: string): PersonDecision {
  const before = knownPerson(directory, personId);
  if (!before.active) return { person: before };
  const person = next(before, { active: false, roles: [], identities: [] });
  checkAdministrators(directory, person);
  return {
    person,
    change: {
      people: [person],
      groups: groupsOf(directory.groups, personId).map((group) => ({
        ...group,
        members: group.members.filter((member) => member !== personId),
        version: group.version + 1,
      })),
      unlink: before.identities.map((identity) => linkOf(before, identity)),
      events: [tell('people.removed', { personId })],
    },
  };
}

/** `owner`: whose the identity is now. */
export function linkIdentity(
  directory: Directory,
  tell: Tell,
  personId: string,
  identity: string,
  owner: Link | undefined,
): PersonDecision {
  const before = activePerson(directory, personId);
  if (before.identities.includes(identity)) return { person: before };
  if (owner !== undefined) throw linkedAlready(directory, owner);
  if (before.identities.length >= MAX_IDENTITIES) {
    throw new WfloError('invalid_request', `${personId} has ${MAX_IDENTITIES} identities, and can have no more`, {
      fix: 'unlink one that is not used any more',
    });
  }
  const person = next(before, { identities: [...before.identities, identity] });
  return {
    person,
    change: {
      people: [person],
      link: [linkOf(person, identity)],
      events: [tell('people.linked', { personId, identity })],
    },
  };
}

/** What is not linked to the person stays so: a repeat is no error. */
export function unlinkIdentity(directory: Directory, tell: Tell, personId: string, identity: string): PersonDecision {
  const before = knownPerson(directory, personId);
  if (!before.identities.includes(identity)) return { person: before };
  const person = next(before, { identities: before.identities.filter((other) => other !== identity) });
  checkAdministrators(directory, person);
  return {
    person,
    change: {
      people: [person],
      unlink: [linkOf(before, identity)],
      events: [tell('people.unlinked', { personId, identity })],
    },
  };
}

/** Makes these the members. A group is made by setting it, and may be empty. */
export function setGroup(
  directory: Directory,
  tell: Tell,
  group: string,
  members: readonly string[],
): { readonly group: GroupRecord; readonly change?: DirectoryChange } {
  checkPlainName('the name of a group', group);
  const wanted = [...new Set(members)].sort();
  if (wanted.length > MAX_MEMBERS) {
    throw new WfloError('invalid_request', `a group has at most ${MAX_MEMBERS} members`);
  }
  for (const personId of wanted) {
    activePerson(directory, personId);
    const others = groupsOf(directory.groups, personId).filter((other) => other.group !== group);
    if (others.length < MAX_GROUPS_OF_PERSON) continue;
    throw new WfloError('invalid_request', `${personId} is in ${MAX_GROUPS_OF_PERSON} groups, and can be in no more`);
  }
  const before = directory.groups.find((other) => other.group === group);
  if (before !== undefined && before.members.join() === wanted.join()) return { group: before };
  const record: GroupRecord = {
    schema: SCHEMA,
    tenant: directory.tenant.tenant,
    group,
    members: wanted,
    version: (before?.version ?? 0) + 1,
  };
  return {
    group: record,
    change: { groups: [record], events: [tell('people.group_changed', { group, members: wanted })] },
  };
}

/**
 * From here on each session of the role is found by its own identity, and nobody by the role. Where the caller itself is
 * the person of the role, its `session` takes the place of it: attesting must not lock out whoever attests.
 */
export function attestRole(
  directory: Directory,
  tell: Tell,
  roleArn: string,
  owner: Link | undefined,
  own: { readonly personId: string; readonly session: string } | undefined,
): DirectoryChange {
  const attested = tell('people.role_attested', { roleArn });
  if (owner === undefined) return { attest: roleArn, events: [attested] };
  if (owner.tenant !== directory.tenant.tenant || owner.personId !== own?.personId) {
    throw linkedAlready(directory, owner, 'unlink the role first, then link the sessions of it');
  }
  const { personId, session } = own;
  const before = activePerson(directory, personId);
  const person = next(before, {
    identities: before.identities.map((identity) => (identity === roleArn ? session : identity)),
  });
  return {
    people: [person],
    unlink: [owner],
    link: [linkOf(person, session)],
    attest: roleArn,
    events: [
      attested,
      tell('people.unlinked', { personId, identity: roleArn }),
      tell('people.linked', { personId, identity: session }),
    ],
  };
}

export function groupsOf(groups: readonly GroupRecord[], personId: string): readonly GroupRecord[] {
  return groups.filter((group) => group.members.includes(personId));
}

export function linkOf({ tenant, personId }: PersonRecord, identity: string): Link {
  return { identity, tenant, personId };
}

export function linkedAlready(directory: Pick<Directory, 'tenant'>, owner: Link, fix?: string): WfloError {
  // Who is in another tenant is nobody's business.
  const whose = owner.tenant === directory.tenant.tenant ? owner.personId : 'a person of another tenant';
  return new WfloError('person_exists', `${owner.identity} is linked to ${whose}`, {
    fix: fix ?? 'unlink it there first: an identity is one person',
  });
}

function find(directory: Directory, personId: string): PersonRecord | undefined {
  return directory.people.find((person) => person.personId === personId);
}

/** Throws `unknown_person`. */
function knownPerson(directory: Directory, personId: string): PersonRecord {
  const person = find(directory, personId);
  if (person !== undefined) return person;
  throw new WfloError('unknown_person', `no person "${personId}" exists`, {
    fix: 'use an id that `wflo people list` prints',
    details: { personId },
  });
}

function activePerson(directory: Directory, personId: string): PersonRecord {
  const person = knownPerson(directory, personId);
  if (person.active) return person;
  throw new WfloError('unknown_person', `${personId} was removed`, {
    fix: 'add the person anew, with another id',
    details: { personId },
  });
}

/** Without an administrator whom an identity leads to, nobody could ever change people again. */
function checkAdministrators(directory: Directory, changed: PersonRecord): void {
  const after = directory.people.map((person) => (person.personId === changed.personId ? changed : person));
  if (after.some(canAdministrate)) return;
  throw new WfloError('last_administrator', `${changed.personId} is the last administrator of ${changed.tenant}`, {
    fix: 'make somebody else an administrator first, with an identity',
  });
}

function canAdministrate(person: PersonRecord): boolean {
  return person.active && person.roles.includes('administrator') && person.identities.length > 0;
}

function next(before: PersonRecord, fields: Partial<PersonRecord>): PersonRecord {
  return { ...before, ...fields, version: before.version + 1 };
}

/** Each once, in the order of the roles, so that the same roles are the same record. */
function inOrder(roles: readonly Role[]): readonly Role[] {
  return ROLES.filter((role) => roles.includes(role));
}
