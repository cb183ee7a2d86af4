import type { ChainRecord } from '../audit/events.ts';
import type { Json } from '../json.ts';
import type {
  BootstrapRequest,
  GroupsAnswer,
  GroupView,
  PeopleAnswer,
  PersonRequest,
  PersonView,
  TenantEventsAnswer,
  TenantRequest,
} from './api.ts';
import type { Caller, CallOptions } from './caller.ts';

/** The chain of a tenant as far as it is recorded. */
export interface TenantChain {
  readonly records: readonly ChainRecord[];
  readonly eventCount: number;
}

export interface PeopleCalls {
  /** The person that the caller's credentials are linked to. */
  me(options?: CallOptions): Promise<PersonView>;
  people(options?: CallOptions): Promise<readonly PersonView[]>;
  /** Makes the caller the first administrator. */
  bootstrap(request: BootstrapRequest, options?: CallOptions): Promise<PersonView>;
  addPerson(request: PersonRequest, options?: CallOptions): Promise<PersonView>;
  /** Sets name and roles. */
  changePerson(request: PersonRequest, options?: CallOptions): Promise<PersonView>;
  removePerson(personId: string, options?: CallOptions): Promise<PersonView>;
  link(personId: string, arn: string, options?: CallOptions): Promise<PersonView>;
  unlink(personId: string, arn: string, options?: CallOptions): Promise<PersonView>;
  groups(options?: CallOptions): Promise<readonly GroupView[]>;
  /** Makes these the members, and nobody else. */
  setGroup(group: string, members: readonly string[], options?: CallOptions): Promise<GroupView>;
  attestRole(roleArn: string, options?: CallOptions): Promise<void>;
  addTenant(request: TenantRequest, options?: CallOptions): Promise<PersonView>;
  tenantEvents(options?: CallOptions): Promise<TenantChain>;
}

export function peopleCalls({ call, ask }: Caller): PeopleCalls {
  const person = (personId: string, ...rest: string[]) => ['v1', 'people', personId, ...rest];
  return {
    me: ({ signal } = {}) => ask({ method: 'GET', path: ['v1', 'me'] }, signal),

    async people({ signal } = {}) {
      return (await ask<PeopleAnswer>({ method: 'GET', path: ['v1', 'people'] }, signal)).people;
    },

    bootstrap: (request, { signal } = {}) =>
      ask({ method: 'POST', path: ['v1', 'people', 'bootstrap'], body: body(request), once: true }, signal),

    addPerson: (request, { signal } = {}) =>
      ask({ method: 'POST', path: ['v1', 'people'], body: body(request), once: true }, signal),

    changePerson: ({ personId, name, roles }, { signal } = {}) =>
      ask({ method: 'PUT', path: person(personId), body: body({ name, roles }) }, signal),

    removePerson: (personId, { signal } = {}) => ask({ method: 'DELETE', path: person(personId) }, signal),

    link: (personId, arn, { signal } = {}) =>
      ask({ method: 'POST', path: person(personId, 'identities'), body: { arn } }, signal),

    unlink: (personId, arn, { signal } = {}) =>
      ask({ method: 'DELETE', path: person(personId, 'identities'), body: { arn } }, signal),

    async groups({ signal } = {}) {
      return (await ask<GroupsAnswer>({ method: 'GET', path: ['v1', 'groups'] }, signal)).groups;
    },

    setGroup: (group, members, { signal } = {}) =>
      ask({ method: 'PUT', path: ['v1', 'groups', group], body: { members } }, signal),

    async attestRole(roleArn, { signal } = {}) {
      await call({ method: 'POST', path: ['v1', 'attested-roles'], body: { roleArn } }, signal);
    },

    addTenant: (request, { signal } = {}) =>
      ask({ method: 'POST', path: ['v1', 'tenants'], body: body(request), once: true }, signal),

    async tenantEvents({ signal } = {}) {
      const records: ChainRecord[] = [];
      let after: string | undefined;
      for (;;) {
        const page: TenantEventsAnswer = await ask({ method: 'GET', path: ['v1', 'audit'], query: { after } }, signal);
        records.push(...page.records);
        if (page.cursor === undefined) return { records, eventCount: page.eventCount };
        after = page.cursor;
      }
    },
  };
}

/** An interface has no index signature, which is all that it lacks. */
function body(request: object): Json {
  return request as Json;
}
