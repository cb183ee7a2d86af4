import type { People } from '../ports.ts';
import type { Quorum } from '../workflow/definition.ts';
import type { Memberships } from './quorum.ts';

/** Today's active people of the groups that are asked. */
export async function loadMemberships(people: People, tenant: string, groups: readonly Quorum[]): Promise<Memberships> {
  const names = [...new Set(groups.map(({ group }) => group))];
  const entries = await Promise.all(
    names.map(async (name) => {
      const group = await people.getGroup(tenant, name);
      if (group === undefined) return undefined;
      const members = await Promise.all(group.members.map((personId) => people.getPerson(tenant, personId)));
      const active = members.filter((person) => person?.active === true).map((person) => person?.personId ?? '');
      return [name, new Set(active)] as const;
    }),
  );
  return new Map(entries.filter((entry) => entry !== undefined));
}
