import { describe, expect, it } from 'vitest';
import { didYouMean, nearest } from '../../../lib/client/nearest.ts';
import { retryDelayMs } from '../../../lib/client/retry.ts';

describe('nearest', () => {
  it.each([
    ['stats', 'status'],
    ['satus', 'status'],
    ['Status', 'status'],
    ['lgos', 'logs'],
    ['--flow', '--follow'],
  ])('%s is near %s', (word, candidate) => {
    expect(nearest(word, ['run', 'status', 'logs', '--follow'])).toBe(candidate);
  });

  it('finds nothing where nothing is near', () => {
    expect(nearest('deploy', ['run', 'status', 'logs'])).toBeUndefined();
    expect(nearest('x', [])).toBeUndefined();
    expect(didYouMean('deploy', ['run'])).toBe('');
  });
});

describe('retry delays', () => {
  it('are spread over a bound that doubles up to 5 s', () => {
    expect([1, 2, 3, 4, 5, 9].map((failed) => retryDelayMs(failed, 0.999999))).toEqual([
      400, 800, 1600, 3200, 5000, 5000,
    ]);
    expect(retryDelayMs(3, 0)).toBe(0);
  });
});
