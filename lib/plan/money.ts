/** US dollars in billionths, a whole number: list prices have up to six decimals, and floats do not add up. */
export type NanoUsd = number;

export const NANO_USD = 1_000_000_000;

/** The whole price of a whole number of parts out of `whole`, rounded up. */
export function share(price: NanoUsd, parts: number, whole: number): NanoUsd {
  const divisor = BigInt(whole);
  return Number((BigInt(price) * BigInt(parts) + divisor - 1n) / divisor);
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
