import { WfloError } from '../errors.ts';

declare const brand: unique symbol;

/**
 * US dollars in billionths: a whole number, at most 2^53 - 1 (about 9 million dollars), and below zero only where
 * something was spent beyond a limit. Money is never anything else: floats do not add up.
 */
export type NanoUsd = number & { readonly [brand]: 'NanoUsd' };

export const NANO_USD = 1_000_000_000;
export const ZERO_USD = 0 as NanoUsd;

/** Throws `invalid_money` for what is no whole number of nano-USD. */
export function nanoUsd(amount: number | bigint): NanoUsd {
  const value = Number(amount);
  if (!Number.isSafeInteger(value) || (typeof amount === 'bigint' && BigInt(value) !== amount)) {
    throw new WfloError('invalid_money', `${amount} is not a whole number of nano-USD`, {
      fix: 'give an amount below 9,000,000 dollars with at most nine decimals',
    });
  }
  return value as NanoUsd;
}

/**
 * Dollars as an author or a person writes them: `50`, `0.25`, `'1.50'`. Exact, since a number is read by its shortest
 * decimal text. Throws `invalid_money` for what is negative, not finite, or has more than nine decimals.
 */
export function usd(amount: number | string): NanoUsd {
  const text = typeof amount === 'number' ? decimalText(amount) : amount.trim();
  const [, whole, fraction = ''] = /^(\d{1,10})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (whole === undefined) {
    throw new WfloError('invalid_money', `${JSON.stringify(amount)} is not an amount of dollars`, {
      fix: 'write dollars such as 5, 0.25 or 1.50, with at most nine decimals',
    });
  }
  return nanoUsd(BigInt(whole) * BigInt(NANO_USD) + BigInt(fraction.padEnd(9, '0')));
}

/** `1e-7` is how JavaScript writes a small number. */
function decimalText(amount: number): string {
  const text = String(amount);
  return /e-/.test(text) ? amount.toFixed(9).replace(/0+$/, '') : text;
}

export function sumUsd(...amounts: readonly NanoUsd[]): NanoUsd {
  return nanoUsd(amounts.reduce((sum, amount) => sum + BigInt(amount), 0n));
}

/** `a - b`; below zero where `b` is more. */
export function minusUsd(a: NanoUsd, b: NanoUsd): NanoUsd {
  return nanoUsd(BigInt(a) - BigInt(b));
}

/** The price of `parts` out of `whole` (both whole numbers), rounded up. */
export function share(price: NanoUsd, parts: number, whole: number): NanoUsd {
  const divisor = BigInt(whole);
  return nanoUsd((BigInt(price) * BigInt(parts) + divisor - 1n) / divisor);
}

/** Exact decimal dollars with at least two decimals: `0.09`, `12.50`, `0.000037500` as `0.0000375`. */
export function decimalUsd(amount: NanoUsd): string {
  const sign = amount < 0 ? '-' : '';
  const digits = String(Math.abs(amount)).padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '').padEnd(2, '0');
  return `${sign}${digits.slice(0, -9)}.${fraction}`;
}

/** As a JSON number of dollars, for answers that people and scripts read. Never to be calculated with. */
export function dollars(amount: NanoUsd): number {
  return Number(decimalUsd(amount));
}

/** `$43.80`, `$0.0123`: cents from a dollar on, smaller amounts with four or six decimals, rounded half up. */
export function usdText(amount: NanoUsd): string {
  const decimals = amount >= NANO_USD || amount === 0 ? 2 : amount >= NANO_USD / 1000 ? 4 : 6;
  const unit = 10 ** (9 - decimals);
  const rounded = Math.floor((amount + unit / 2) / unit);
  const whole = Math.floor(rounded / 10 ** decimals);
  const fraction = String(rounded % 10 ** decimals).padStart(decimals, '0');
  return `$${whole}.${decimals === 2 ? fraction : fraction.replace(/0+$/, '').padEnd(2, '0')}`;
}
