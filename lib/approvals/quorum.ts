import type { Quorum } from '../workflow/definition.ts';

/** Who is in a group today, by group; a group that does not exist is absent. */
export type Memberships = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * How many approvals each group still needs, when every person counts for one group only and as many as possible count:
 * a maximum matching of people and the places of groups, by augmenting paths. Nothing left: the quorum is reached.
 */
export function missingApprovals(
  groups: readonly Quorum[],
  memberships: Memberships,
  people: Iterable<string>,
): readonly Quorum[] {
  const places = groups.flatMap(({ group, min }) => Array.from({ length: min }, () => group));
  const holder: (string | undefined)[] = places.map(() => undefined);
  const findPlace = (person: string, tried: Set<number>): boolean => {
    for (const [index, group] of places.entries()) {
      if (tried.has(index) || memberships.get(group)?.has(person) !== true) continue;
      tried.add(index);
      const current = holder[index];
      if (current !== undefined && !findPlace(current, tried)) continue;
      holder[index] = person;
      return true;
    }
    return false;
  };
  for (const person of new Set(people)) findPlace(person, new Set());
  const missing = new Map<string, number>();
  for (const [index, group] of places.entries()) {
    if (holder[index] === undefined) missing.set(group, (missing.get(group) ?? 0) + 1);
  }
  return [...missing].map(([group, min]) => ({ group, min }));
}

/** Everybody who may approve: the members of all groups, without whom they must not ask. */
export function eligiblePeople(
  groups: readonly Quorum[],
  memberships: Memberships,
  excluded: string | undefined,
): ReadonlySet<string> {
  const people = new Set(groups.flatMap(({ group }) => [...(memberships.get(group) ?? [])]));
  if (excluded !== undefined) people.delete(excluded);
  return people;
}
