import type { GroupView, PersonView } from '../client/api.ts';
import { type Style, visible } from './style.ts';
import { table } from './table.ts';

/** `user/ada` of an ARN: service, region and account are the same for all. */
export function shortIdentity(identity: string): string {
  return identity.startsWith('arn:') ? identity.split(':').slice(5).join(':') : identity;
}

export function peopleTable(people: readonly PersonView[], style: Style): readonly string[] {
  if (people.length === 0) return ['nobody'];
  return table([
    ['PERSON', 'NAME', 'ROLES', 'GROUPS', 'IDENTITIES'].map((title) => style('dim', title)),
    ...people.map(({ personId, name, roles, groups, identities, active }) => [
      personId,
      visible(name),
      active ? roles.join(', ') : style('red', 'removed'),
      groups.join(', '),
      visible(identities.map(shortIdentity).join(', ')),
    ]),
  ]);
}

/** One person, with identities in full: they are what `people link` takes. */
export function personLines(person: PersonView, style: Style): readonly string[] {
  const rows = [
    ['tenant', person.tenant],
    ['roles', person.roles.join(', ') || 'none'],
    ['groups', person.groups.join(', ') || 'none'],
    ...(person.identities.length === 0 ? ['none'] : person.identities).map((identity, index) => [
      index === 0 ? 'identities' : '',
      visible(identity),
    ]),
  ];
  return [
    `${style('bold', person.personId)}  ${visible(person.name)}${person.active ? '' : `  ${style('red', 'removed')}`}`,
    ...table(rows.map(([name = '', text = '']) => [`  ${name}`, text])),
  ];
}

export function groupTable(groups: readonly GroupView[], style: Style): readonly string[] {
  if (groups.length === 0) return ['no groups'];
  return table([
    ['GROUP', 'MEMBERS'].map((title) => style('dim', title)),
    ...groups.map(({ group, members }) => [group, membersText(members)]),
  ]);
}

export function membersText(members: readonly string[]): string {
  return members.join(', ') || 'nobody';
}
