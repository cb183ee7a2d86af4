import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatSessionToken, parseSessionToken } from '../../../lib/sandbox/session-token.ts';

it('finds the lease of a token', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 }),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 }),
      fc.integer({ min: 1, max: 9999 }),
      (executionId, path, attempt) => {
        const token = formatSessionToken({ executionId, path, attempt }, 's'.repeat(43));
        expect(parseSessionToken(token)).toEqual({ executionId, path, attempt });
      },
    ),
  );
});

it.each(['', '.', 'abc', `e30.${'s'.repeat(43)}`, `WzEsMiwzXQ.${'s'.repeat(43)}`, 'WyJhIiwiYiIsMV0.short'])(
  'takes %j for no token',
  (text) => {
    expect(parseSessionToken(text)).toBeUndefined();
  },
);
