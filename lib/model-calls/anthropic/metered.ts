import type { ModelPrice } from '../../budget/price-book.ts';
import { TOKEN_CLASSES, type TokenClass, type Usage, type UsageBound } from '../../budget/usage.ts';
import { isJsonObject, type Json } from '../../json.ts';
import type { Metered } from '../wire-format.ts';
import { isUntrusted, type ReadUsage } from './claude-usage.ts';

/** A usage that the price book has a price for; `raw` are the provider's own words about it. */
export function metered(read: ReadUsage, raw: Json, price: ModelPrice): Metered {
  if (isUntrusted(read)) return unknownUse(read.untrusted);
  const { tiers, fees } = price;
  const unpriced =
    TOKEN_CLASSES.find(
      (name) => (read.tokens[name] ?? 0) > 0 && tiers.some(({ rates }) => rates[name] === undefined),
    ) ?? ((read.fees?.webSearch ?? 0) > 0 && fees.webSearch === undefined ? 'webSearch' : undefined);
  if (unpriced !== undefined) return unknownUse(`the answer used ${unpriced}, which has no price for this model`);
  return { kind: 'reported', usage: read, raw: shortened(raw) };
}

export function unknownUse(reason: string, atMost?: Usage): Metered {
  return { kind: 'unknown', reason, ...(atMost === undefined ? {} : { atMost }) };
}

/** All of the input as the dearest that it may be, and so much output. */
export function usageAtMost(bound: UsageBound, price: ModelPrice, outputTokens: number): Usage {
  const tier = price.tiers.findLast(({ aboveInputTokens }) => aboveInputTokens < bound.inputTokens) ?? price.tiers[0];
  const rate = (name: TokenClass) => tier?.rates[name] ?? 0;
  const dearest = bound.inputClasses.reduce((a, b) => (rate(b) > rate(a) ? b : a), bound.inputClasses[0] ?? 'input');
  return { tokens: { [dearest]: bound.inputTokens, output: Math.min(outputTokens, bound.outputTokens) } };
}

const RAW_BYTES = 4096;

/** An entry of the ledger keeps 4 KiB of it: the counts themselves, without what is nested, where there is more. */
function shortened(raw: Json): Json {
  if (Buffer.byteLength(JSON.stringify(raw)) <= RAW_BYTES) return raw;
  if (!isJsonObject(raw)) return null;
  const counts = Object.entries(raw).filter(([name, value]) => name.length <= 64 && typeof value === 'number');
  return Object.fromEntries(counts.slice(0, 32));
}
