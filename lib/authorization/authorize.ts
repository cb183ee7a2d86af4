import { WfloError } from '../errors.ts';
import { DEFAULT_TENANT } from '../execution/actors.ts';
import type { PersonRecord } from '../people/records.ts';
import { type Route, routeKey } from './routes.ts';

/** What the table says of a person. `if-in-group`: yes, where the person is in any group. */
export type Answer = 'yes' | 'no' | 'if-in-group';

export function mayCall({ access }: Pick<Route, 'access'>, person: PersonRecord): Answer {
  if (access === 'caller') return 'yes';
  if (!person.active) return 'no';
  if (access === 'person') return 'yes';
  if (access.ofDefaultTenant && person.tenant !== DEFAULT_TENANT) return 'no';
  if (person.roles.some((role) => access.roles.includes(role))) return 'yes';
  return access.groupMembers ? 'if-in-group' : 'no';
}

export function notAllowed(route: Route, person: PersonRecord): WfloError {
  if (!person.active) return new WfloError('forbidden', `${person.personId} was removed`);
  return new WfloError('forbidden', `${person.personId} may not call ${routeKey(route)}`, {
    fix: `it needs ${needed(route)}; an administrator can change roles`,
    details: { personId: person.personId, roles: person.roles },
  });
}

function needed({ access }: Route): string {
  if (typeof access === 'string') return 'an active person';
  const roles = `the role ${access.roles.join(' or ')}`;
  if (access.ofDefaultTenant) return `${roles} in the tenant ${DEFAULT_TENANT}`;
  return access.groupMembers ? `any role or group` : roles;
}
