import type { Quorum } from './definition.ts';

/** So many people of a group have to approve: `group('data-owners', 1)`. */
export function group(name: string, min: number): Quorum {
  return { group: name, min };
}
