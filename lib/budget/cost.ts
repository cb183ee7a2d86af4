import { WfloError } from '../errors.ts';
import { type NanoUsd, nanoUsd } from './money.ts';
import type { FargateRates, ModelPrice, RateTier, TokenRates } from './price-book.ts';
import { FEE_CLASSES, type FeeClass, TOKEN_CLASSES, type TokenClass, type Usage, type UsageBound } from './usage.ts';

/** Rates are for as many tokens. */
const TOKENS_PER_RATE = 1_000_000n;

/** Fargate bills by the second, a minute at least. */
export const LEAST_COMPUTE_SECONDS = 60;
const SECONDS_PER_HOUR = 3600n;
/** CPU units of a vCPU, and MiB of a GiB. */
const PER_UNIT = 1024n;

const OUTPUT_CLASSES: ReadonlySet<TokenClass> = new Set(['output', 'outputAudio', 'outputImage']);

/** Not of the input: what was made. */
export function isOutput(token: TokenClass): boolean {
  return OUTPUT_CLASSES.has(token);
}

/**
 * What a call cost, rounded up to whole nano-USD once, at the end. Throws `unpriced_feature` with the class that was used
 * and has no rate; `invalid_money` for a cost beyond any amount of money.
 */
export function costOf(usage: Usage, price: ModelPrice): NanoUsd {
  const used = TOKEN_CLASSES.filter((token) => count(usage.tokens[token]) > 0n);
  const inputTokens = sum(used.filter((token) => !isOutput(token)).map((token) => count(usage.tokens[token])));
  const { rates } = tierOf(price, inputTokens);
  const tokens = sum(used.map((token) => count(usage.tokens[token]) * rateOf(price, rates, token)));
  return roundedUp(tokens + feesOf(usage.fees, price) * TOKENS_PER_RATE, TOKENS_PER_RATE);
}

/**
 * The most that a call within the bound can cost: all of its input in the dearest class that some of it may fall into,
 * all of its output likewise, by the dearest tier that its input can reach. No more input is counted than the model can
 * read. Throws as `costOf` does, for every class that may be used and has no rate.
 */
export function worstCaseOf(bound: UsageBound, price: ModelPrice): NanoUsd {
  const input = count(Math.min(bound.inputTokens, mostInput(bound, price)));
  const output = count(bound.outputTokens);
  const tiers = price.tiers.filter(({ aboveInputTokens }, index) => index === 0 || aboveInputTokens < input);
  const dearest = tiers.map(
    ({ rates }) =>
      input * dearestOf(price, rates, bound.inputClasses, input) +
      output * dearestOf(price, rates, bound.outputClasses, output),
  );
  return roundedUp(most(dearest) + feesOf(bound.fees, price) * TOKENS_PER_RATE, TOKENS_PER_RATE);
}

/** What a Fargate task of this size costs: every started second, from the pull of the image to the end of the task. */
export function computeCostOf(
  rates: FargateRates,
  size: { readonly cpuUnits: number; readonly memoryMib: number },
  seconds: number,
): NanoUsd {
  const billed = count(Math.max(LEAST_COMPUTE_SECONDS, Math.ceil(seconds)));
  const hour = count(size.cpuUnits) * BigInt(rates.vcpuHour) + count(size.memoryMib) * BigInt(rates.gibHour);
  return roundedUp(hour * billed, SECONDS_PER_HOUR * PER_UNIT);
}

/**
 * A window full for every time that the model reads: once, and once more after each use of a tool of the provider. An
 * embedding model reads each text of a list by itself, so that its window bounds no request.
 */
function mostInput({ fees = {} }: UsageBound, { contextWindow, maxOutputTokens }: ModelPrice): number {
  if (maxOutputTokens === 0) return Number.MAX_SAFE_INTEGER;
  const toolUses = (fees.webSearch ?? 0) + (fees.fileSearch ?? 0) + (fees.codeInterpreter ?? 0);
  return contextWindow * (1 + toolUses);
}

/** The last tier that this much input is above. */
function tierOf({ tiers }: ModelPrice, inputTokens: bigint): RateTier {
  const [first, ...rest] = tiers;
  if (first === undefined) throw new Error('a price has at least one tier');
  return rest.reduce((tier, next) => (inputTokens > next.aboveInputTokens ? next : tier), first);
}

function rateOf(price: ModelPrice, rates: TokenRates, token: TokenClass): bigint {
  const rate = rates[token];
  if (rate === undefined) throw unpriced(price, `tokens of the class ${token}`, token);
  return BigInt(rate);
}

/** 0 where there is nothing to pay for: a bound without output needs no rate for it. */
function dearestOf(price: ModelPrice, rates: TokenRates, classes: readonly TokenClass[], tokens: bigint): bigint {
  if (tokens === 0n) return 0n;
  if (classes.length === 0) throw new Error(`${tokens} tokens are of no class`);
  return most(classes.map((token) => rateOf(price, rates, token)));
}

function feesOf(fees: Usage['fees'], price: ModelPrice): bigint {
  return sum(
    FEE_CLASSES.map((fee) => {
      const pieces = count(fees?.[fee]);
      return pieces === 0n ? 0n : pieces * feeOf(price, fee);
    }),
  );
}

function feeOf(price: ModelPrice, fee: FeeClass): bigint {
  const each = price.fees[fee];
  if (each === undefined) throw unpriced(price, `the fee ${fee}`, fee);
  return BigInt(each);
}

function unpriced({ provider, model }: ModelPrice, what: string, feature: TokenClass | FeeClass): WfloError {
  return new WfloError('unpriced_feature', `${provider} ${model} has no price for ${what}`, {
    fix: 'leave it out of the request, or give it a price in the override file of the price book',
    details: { provider, model, feature },
  });
}

/** A negative count would pay somebody back. */
function count(amount = 0): bigint {
  if (!Number.isSafeInteger(amount) || amount < 0) throw new RangeError(`${amount} is no count`);
  return BigInt(amount);
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}

/** `Math.max` takes no bigints. */
function most(amounts: readonly bigint[]): bigint {
  let found = 0n;
  for (const amount of amounts) if (amount > found) found = amount;
  return found;
}

function roundedUp(amount: bigint, divisor: bigint): NanoUsd {
  return nanoUsd((amount + divisor - 1n) / divisor);
}
