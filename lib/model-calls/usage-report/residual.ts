import { isOutput } from '../../budget/cost.ts';
import type { CostRow } from '../../budget/ledger.ts';
import { type NanoUsd, nanoUsd } from '../../budget/money.ts';
import type { ModelLookup, ModelPrice, RateTier } from '../../budget/price-book.ts';
import { FEE_CLASSES, type FeeClass, TOKEN_CLASSES, type TokenClass } from '../../budget/usage.ts';
import { canonicalJson } from '../../json.ts';
import { priceOfServed } from '../served-model.ts';
import { type ReportedUse, writesText } from './report.ts';

/** Of one provider, and of the time in which a call whose cost nobody knows was made. */
export interface DayOfUse {
  /** All that the report says of the day and of the hours around it. */
  readonly reported: readonly ReportedUse[];
  /** All that the ledger has settled on the day, of all tenants. */
  readonly settled: readonly Pick<CostRow, 'model' | 'inputTokens' | 'outputTokens'>[];
  /** Other calls in that time whose cost nobody knows. */
  readonly others: number;
}

export type Residual =
  /** The report has nothing at all of that time (yet). */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'at_most'; readonly cost: NanoUsd }
  | { readonly kind: 'unclear'; readonly reason: string };

/** Models of one price: which of them was served makes no difference, and providers call them by other names. */
interface PriceClass {
  readonly price: ModelPrice;
  /** The most that there is of each class of tokens. */
  readonly reported: Map<TokenClass, bigint>;
  settledInput: bigint;
  settledOutput: bigint;
}

/**
 * What a call cost at most, of which the provider keeps nothing but sums: whatever the report has more than the ledger has
 * settled. The report is of a longer time than the settlements, so that no call which was settled is missing in it, and
 * what is left over is never too little. It is priced by the dearest kinds of tokens that the report has, in the dearest
 * tier that so many tokens can reach. Where it is not one call's own, or more than was held, nobody knows.
 */
export function residualOf(held: NanoUsd, own: ModelPrice, day: DayOfUse, models: ModelLookup): Residual {
  const { provider } = own;
  const classes = new Map<string, PriceClass>();
  const classOf = (price: ModelPrice): PriceClass => {
    const name = canonicalJson({ tiers: price.tiers, fees: price.fees });
    const known = classes.get(name);
    if (known !== undefined) return known;
    const made = { price, reported: new Map(), settledInput: 0n, settledOutput: 0n };
    classes.set(name, made);
    return made;
  };

  const fees = new Map<FeeClass, bigint>();
  let anything = false;
  for (const use of day.reported) {
    const counts = TOKEN_CLASSES.map((token) => [token, BigInt(use.tokens[token] ?? 0)] as const);
    for (const fee of FEE_CLASSES) fees.set(fee, (fees.get(fee) ?? 0n) + BigInt(use.fees?.[fee] ?? 0));
    if (counts.every(([, count]) => count === 0n)) continue;
    anything = true;
    const price = priceOfServed(provider, use.model, models);
    if (price === undefined) return unclear(`the report has ${use.model}, which has no price here`);
    const { reported } = classOf(price);
    for (const [token, count] of counts) reported.set(token, (reported.get(token) ?? 0n) + count);
  }
  if (!anything && day.settled.every(({ inputTokens, outputTokens }) => inputTokens + outputTokens === 0)) {
    return { kind: 'nothing' };
  }

  let told = false;
  for (const { model, inputTokens, outputTokens } of day.settled) {
    if (inputTokens + outputTokens === 0) continue;
    const price = models(provider, model);
    if (price === undefined) return unclear(`calls of ${model} were settled, which has no price any more`);
    if (writesText(price) !== writesText(own)) continue;
    const settled = classOf(price);
    settled.settledInput += BigInt(inputTokens);
    settled.settledOutput += BigInt(outputTokens);
    told = true;
  }
  // A report of another project looks like this.
  if (!told) return unclear('the ledger settled nothing that day by which the report can be recognised as its own');

  let left = 0n;
  for (const each of classes.values()) {
    const cost = costOfRest(each);
    if (typeof cost === 'string') return unclear(cost);
    left += cost;
  }
  for (const [fee, count] of fees) {
    if (count === 0n) continue;
    const dearest = dearestFee(fee, [own, ...[...classes.values()].map(({ price }) => price)]);
    if (dearest === undefined) return unclear(`the report has uses of ${fee}, which has no price here`);
    left += count * dearest * PER_RATE;
  }
  if (own.fees.request !== undefined)
    return unclear('each request of its model has a price, and requests are not told');

  if (left === 0n) return { kind: 'at_most', cost: nanoUsd(0) };
  if (day.others > 0) return unclear(`${day.others + 1} calls whose cost is not known share what is left over`);
  const cost = nanoUsd((left + PER_RATE - 1n) / PER_RATE);
  return cost <= held
    ? { kind: 'at_most', cost }
    : unclear(
        'more is left over than was held: others use the key, or calls before and after the day are in the report',
      );
}

/** Rates are for so many tokens. */
const PER_RATE = 1_000_000n;

/** Millionths of a nano-USD; a text where it cannot be said. */
function costOfRest({ price, reported, settledInput, settledOutput }: PriceClass): bigint | string {
  const kinds = [...reported].filter(([, count]) => count > 0n);
  const inputs = kinds.filter(([token]) => !isOutput(token));
  const outputs = kinds.filter(([token]) => isOutput(token));
  const input = sum(inputs) - settledInput;
  const output = sum(outputs) - settledOutput;
  if (input < 0n || output < 0n) {
    return `the report has less of ${price.model}, or of models of its price, than was settled`;
  }
  const tiers = price.tiers.filter(({ aboveInputTokens }, index) => index === 0 || aboveInputTokens < input);
  let most = 0n;
  for (const tier of tiers) {
    const ofInput = dearest(inputs, input, tier);
    const ofOutput = dearest(outputs, output, tier);
    if (ofInput === undefined || ofOutput === undefined) {
      return `${price.model} has no price for some of what the report has`;
    }
    if (ofInput + ofOutput > most) most = ofInput + ofOutput;
  }
  return most;
}

/** So many tokens of these kinds, of each no more than there are: the dearest first. Undefined where a kind has no rate. */
function dearest(kinds: readonly (readonly [TokenClass, bigint])[], tokens: bigint, { rates }: RateTier) {
  if (tokens === 0n) return 0n;
  const priced: { readonly rate: bigint; readonly count: bigint }[] = [];
  for (const [token, count] of kinds) {
    const rate = rates[token];
    if (rate === undefined) return undefined;
    priced.push({ rate: BigInt(rate), count });
  }
  priced.sort((a, b) => (a.rate < b.rate ? 1 : a.rate > b.rate ? -1 : 0));
  let left = tokens;
  let cost = 0n;
  for (const { rate, count } of priced) {
    if (count >= left) return cost + left * rate;
    cost += count * rate;
    left -= count;
  }
  return cost;
}

function dearestFee(fee: FeeClass, prices: readonly ModelPrice[]): bigint | undefined {
  const known = prices.flatMap(({ fees }) => fees[fee] ?? []);
  return known.length === 0 ? undefined : BigInt(Math.max(...known));
}

function sum(kinds: readonly (readonly [TokenClass, bigint])[]): bigint {
  return kinds.reduce((total, [, count]) => total + count, 0n);
}

function unclear(reason: string): Residual {
  return { kind: 'unclear', reason };
}
