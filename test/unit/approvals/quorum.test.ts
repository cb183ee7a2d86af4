import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eligiblePeople, type Memberships, missingApprovals } from '../../../lib/approvals/quorum.ts';
import type { Quorum } from '../../../lib/workflow/definition.ts';

const groups = (members: { readonly [group: string]: readonly string[] }): Memberships =>
  new Map(Object.entries(members).map(([group, people]) => [group, new Set(people)]));
const needs = (group: string, min = 1): Quorum => ({ group, min });

describe('a quorum', () => {
  it('is reached when every group has as many as it needs', () => {
    const of = groups({ a: ['ada', 'bob'], b: ['cyd'] });
    expect(missingApprovals([needs('a', 2), needs('b')], of, ['ada', 'bob'])).toEqual([needs('b')]);
    expect(missingApprovals([needs('a', 2), needs('b')], of, ['ada', 'bob', 'cyd'])).toEqual([]);
  });

  it('counts a person once, in the group where that helps', () => {
    const of = groups({ a: ['ada', 'bob'], b: ['ada'] });
    expect(missingApprovals([needs('a'), needs('b')], of, ['ada'])).toHaveLength(1);
    // Ada must count for b, although she was first and a comes first.
    expect(missingApprovals([needs('a'), needs('b')], of, ['ada', 'bob'])).toEqual([]);
    expect(missingApprovals([needs('a', 2)], of, ['ada', 'ada'])).toEqual([needs('a')]);
  });

  it('counts nobody who is in no group, and nothing of a group that does not exist', () => {
    expect(missingApprovals([needs('a')], groups({ a: ['ada'] }), ['eve'])).toEqual([needs('a')]);
    expect(missingApprovals([needs('gone', 2)], groups({}), ['ada'])).toEqual([needs('gone', 2)]);
  });

  it('leaves as few places open as any assignment of people could', () => {
    fc.assert(
      fc.property(world, ({ asked, of, people }) => {
        const left = missingApprovals(asked, of, people).reduce((sum, { min }) => sum + min, 0);
        expect(left).toBe(fewestOpen(asked, of, [...new Set(people)]));
      }),
      { numRuns: 2_000 },
    );
  }, 60_000);
});

it('has everybody of its groups, but the one who may not', () => {
  const of = groups({ a: ['ada', 'bob'], b: ['cyd'] });
  expect([...eligiblePeople([needs('a'), needs('b')], of, 'bob')].sort()).toEqual(['ada', 'cyd']);
});

const NAMES = ['a', 'b', 'c'];
const PEOPLE = ['p1', 'p2', 'p3', 'p4', 'p5'];
const world = fc.record({
  asked: fc.uniqueArray(fc.record({ group: fc.constantFrom(...NAMES), min: fc.integer({ min: 1, max: 2 }) }), {
    selector: ({ group }) => group,
    minLength: 1,
  }),
  of: fc
    .tuple(...NAMES.map(() => fc.subarray(PEOPLE)))
    .map((members): Memberships => new Map(members.map((people, index) => [NAMES[index] ?? '', new Set(people)]))),
  people: fc.array(fc.constantFrom(...PEOPLE), { maxLength: 6 }),
});

/** By trying every group, or none, for every person. */
function fewestOpen(asked: readonly Quorum[], of: Memberships, [person, ...others]: readonly string[]): number {
  const open = asked.reduce((sum, { min }) => sum + Math.max(0, min), 0);
  if (person === undefined) return open;
  const choices = asked.filter(({ group, min }) => min > 0 && of.get(group)?.has(person) === true);
  const taken = choices.map(({ group }) =>
    fewestOpen(
      asked.map((each) => (each.group === group ? { group, min: each.min - 1 } : each)),
      of,
      others,
    ),
  );
  return Math.min(fewestOpen(asked, of, others), ...taken);
}
