import { expect, it } from 'vitest';
import { ulidIds } from '../../../lib/aws/ulid-ids.ts';
import { FakeClock } from '../../_helpers/fakes/fake-clock.ts';

it('ids rise, also within one millisecond', () => {
  const clock = new FakeClock();
  const ids = ulidIds(clock);
  const made = Array.from({ length: 1000 }, (_, index) => {
    if (index === 500) clock.advance(1);
    return ids.next();
  });
  expect(made).toEqual([...new Set(made)].sort());
  for (const id of made) expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
});

it('secrets are 32 random bytes', () => {
  const ids = ulidIds(new FakeClock());
  expect(Buffer.from(ids.secret(), 'base64url')).toHaveLength(32);
  expect(ids.secret()).not.toBe(ids.secret());
});
