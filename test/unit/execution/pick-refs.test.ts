import { describe, expect, it } from 'vitest';
import { pickRefs } from '../../../lib/execution/pick-refs.ts';

const aliases = [
  { alias: 'a', path: ['risk'] },
  { alias: 'b', path: ['deep', 'name'] },
];

describe('pickRefs', () => {
  it('takes the scalars, and null where a field is absent', () => {
    expect(pickRefs({ risk: 12, deep: { name: 'x' }, other: 'y' }, aliases)).toEqual({ a: 12, b: 'x' });
    expect(pickRefs({ risk: null }, aliases)).toEqual({ a: null, b: null });
    expect(pickRefs(undefined, aliases)).toEqual({ a: null, b: null });
  });

  it('refuses what is not a scalar, by name', () => {
    expect(() => pickRefs({ deep: { name: ['x'] } }, aliases)).toThrowError(
      expect.objectContaining({ code: 'not_a_scalar', message: expect.stringContaining('deep.name') }),
    );
  });

  it('refuses what is too large for the state, counted in bytes', () => {
    const inBytes = (characters: number) => ({ risk: 'é'.repeat(characters) });
    const [first] = aliases;
    const only = first === undefined ? [] : [first];
    // {"a":"…"} takes 8 bytes around the text.
    expect(pickRefs(inBytes(2044), only)).toEqual({ a: 'é'.repeat(2044) });
    expect(() => pickRefs(inBytes(2045), only)).toThrowError(expect.objectContaining({ code: 'ref_too_large' }));
  });
});
