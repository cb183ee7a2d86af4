import { describe, expect, it } from 'vitest';
import { decimalUsd, dollars, minusUsd, nanoUsd, share, sumUsd, usd, usdText } from '../../../lib/budget/money.ts';

describe('amounts', () => {
  it.each([
    [0, '$0.00'],
    [43_800_000_000, '$43.80'],
    [1_995_000_000, '$2.00'],
    [999_950_000, '$1.00'],
    [500_000, '$0.0005'],
    [12_342_500, '$0.0123'],
    [600_000_000, '$0.60'],
    [411_417, '$0.000411'],
    [499, '$0.00'],
  ])('of %d billionths are %s', (amount, text) => {
    expect(usdText(nanoUsd(amount))).toBe(text);
  });

  it('are shared without floats, rounded up', () => {
    expect(share(nanoUsd(3600), 1, 3600)).toBe(1);
    expect(share(nanoUsd(3600), 60, 3601)).toBe(60);
    expect(share(nanoUsd(1), 1, 3600)).toBe(1);
    // A whole year of the largest size, beyond what a float holds exactly on the way.
    expect(share(nanoUsd(1_181_080_000), 31_535_400, 3600)).toBe(10_346_063_953_334);
  });

  it.each<[number | string, number]>([
    [5, 5_000_000_000],
    [0.1, 100_000_000],
    ['1.50', 1_500_000_000],
    [1e-7, 100],
    ['0.000000001', 1],
    [' 2 ', 2_000_000_000],
    [0.1 + 0.2 - 0.30000000000000004 + 0.07, 70_000_000],
  ])('are read exactly from %j', (written, amount) => {
    expect(usd(written)).toBe(amount);
  });

  it.each([
    -1,
    '-1',
    '',
    'a',
    '1.',
    '.5',
    '1,5',
    '1e3',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '0.0000000001',
    '99999999999',
  ])('are not read from %j', (written) => {
    expect(() => usd(written)).toThrow(expect.objectContaining({ code: 'invalid_money' }));
  });

  it.each([0.5, Number.NaN, 2 ** 53, 2n ** 53n, -(2n ** 60n)])('are never %d', (amount) => {
    expect(() => nanoUsd(amount)).toThrow(expect.objectContaining({ code: 'invalid_money' }));
  });

  it('add up, and may fall below zero', () => {
    expect(sumUsd()).toBe(0);
    expect(sumUsd(usd('0.1'), usd('0.2'))).toBe(usd('0.3'));
    expect(minusUsd(usd(1), usd('1.25'))).toBe(-250_000_000);
    expect(decimalUsd(minusUsd(usd(1), usd('1.25')))).toBe('-0.25');
    expect(() => sumUsd(usd(9_000_000), usd(9_000_000))).toThrow(expect.objectContaining({ code: 'invalid_money' }));
  });

  it('are written exactly', () => {
    expect(decimalUsd(usd('12.5'))).toBe('12.50');
    expect(decimalUsd(nanoUsd(37_500))).toBe('0.0000375');
    expect(dollars(usd('0.09'))).toBe(0.09);
  });
});
