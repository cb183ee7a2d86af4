import { z } from 'zod';
import { WfloError } from '../../errors.ts';
import { type NanoUsd, usd } from '../money.ts';
import { type FargateRates, type ModelPrice, PROVIDERS, type PriceBook } from '../price-book.ts';
import { FEE_CLASSES, type FeeClass, TOKEN_CLASSES, type TokenClass } from '../usage.ts';
import { entryName, hashedBook } from './book-hash.ts';

/** Prices that a deployment adds to the book, or puts in the place of the book's. */
export interface PriceOverrides {
  readonly models: readonly ModelPrice[];
  readonly fargate: { readonly X86_64?: FargateRates; readonly ARM64?: FargateRates };
}

/** Decimal dollars as text: JSON numbers are floats. */
const dollars = z.string().transform((text, context): NanoUsd => {
  try {
    return usd(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});
const tokens = z.int().min(1).max(1_000_000_000);
const reason = z.string().trim().min(1).max(500);

const tier = z.strictObject({
  aboveInputTokens: z.int().min(0).max(1_000_000_000),
  dollarsPerMillionTokens: z.partialRecord(z.enum(TOKEN_CLASSES), dollars),
});

const model = z
  .strictObject({
    provider: z.enum(PROVIDERS),
    model: z.string().regex(/^\S{1,256}$/, 'expected a name without spaces'),
    contextWindow: tokens,
    maxOutputTokens: z.int().min(0).max(1_000_000_000),
    tiers: z.array(tier).min(1).max(20),
    dollarsPerUse: z.partialRecord(z.enum(FEE_CLASSES), dollars).default({}),
    accepts: z.strictObject({
      images: z.boolean(),
      documents: z.boolean(),
      audio: z.boolean(),
      maxTokensPerImage: tokens.optional(),
    }),
    reason,
  })
  .superRefine(({ tiers, maxOutputTokens, accepts }, context) => {
    const issue = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    tiers.forEach(({ aboveInputTokens, dollarsPerMillionTokens: rates }, index) => {
      const before = tiers[index - 1];
      if (before === undefined ? aboveInputTokens !== 0 : aboveInputTokens <= before.aboveInputTokens) {
        issue(['tiers', index, 'aboveInputTokens'], 'tiers begin at 0 and rise');
      }
      const needed: TokenClass[] = ['input'];
      if (maxOutputTokens > 0) needed.push('output');
      if (accepts.audio) needed.push('inputAudio');
      // What the first tier prices must have a price in all: a long request is no reason to have none.
      for (const token of TOKEN_CLASSES) {
        if (tiers[0]?.dollarsPerMillionTokens[token] !== undefined) needed.push(token);
      }
      for (const token of needed) {
        if (rates[token] === undefined) issue(['tiers', index, 'dollarsPerMillionTokens', token], 'it has no rate');
      }
    });
  });

const fargate = z.strictObject({ dollarsPerVcpuHour: dollars, dollarsPerGibHour: dollars, reason });

const overrides = z.strictObject({
  models: z.array(model).max(10_000).default([]),
  fargate: z.strictObject({ X86_64: fargate.optional(), ARM64: fargate.optional() }).default({}),
});

/**
 * Reads what the file of a deployment says; `file` is for messages. Throws `invalid_prices` with every entry and field
 * that is not complete, or not a price.
 */
export function readPriceOverrides(value: unknown, file: string): PriceOverrides {
  const parsed = overrides.safeParse(value);
  if (!parsed.success) {
    throw refused(
      file,
      parsed.error.issues.map(({ path, message }) => `${fieldName(value, path)}: ${message}`),
    );
  }
  const models = parsed.data.models.map(({ tiers, dollarsPerUse, accepts, reason, ...one }): ModelPrice => {
    const { maxTokensPerImage, ...kinds } = accepts;
    return {
      ...one,
      tiers: tiers.map(({ aboveInputTokens, dollarsPerMillionTokens }) => ({
        aboveInputTokens,
        rates: present(TOKEN_CLASSES, dollarsPerMillionTokens),
      })),
      fees: present(FEE_CLASSES, dollarsPerUse),
      accepts: maxTokensPerImage === undefined ? kinds : { ...kinds, maxTokensPerImage },
      source: `${file}: ${reason}`,
    };
  });
  const names = models.map(entryName);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (twice.length > 0)
    throw refused(
      file,
      twice.map((name) => `${name}: it is there twice`),
    );
  const { X86_64, ARM64 } = parsed.data.fargate;
  return {
    models,
    fargate: {
      ...(X86_64 === undefined ? {} : { X86_64: fargateRates(X86_64) }),
      ...(ARM64 === undefined ? {} : { ARM64: fargateRates(ARM64) }),
    },
  };
}

/** The book with the overrides in it, under a hash of its own. An entry is replaced as a whole. */
export function withOverrides(book: PriceBook, { models, fargate }: PriceOverrides): PriceBook {
  const replaced = new Set(models.map(entryName));
  return hashedBook({
    generatedFrom: book.generatedFrom,
    models: [...book.models.filter((price) => !replaced.has(entryName(price))), ...models],
    ...(book.limitSources === undefined ? {} : { limitSources: book.limitSources }),
    fargate: { ...book.fargate, ...fargate },
  });
}

/** Without the fields that are there and undefined, which no JSON has. */
function present<K extends TokenClass | FeeClass>(
  keys: readonly K[],
  prices: { readonly [key in K]?: NanoUsd | undefined },
): { readonly [key in K]?: NanoUsd } {
  const found: { [key in K]?: NanoUsd } = {};
  for (const key of keys) {
    const price = prices[key];
    if (price !== undefined) found[key] = price;
  }
  return found;
}

function fargateRates(rates: z.infer<typeof fargate>): FargateRates {
  return { vcpuHour: rates.dollarsPerVcpuHour, gibHour: rates.dollarsPerGibHour };
}

/** `models[0] (openai/gpt-5).tiers[0].aboveInputTokens`: the name helps whoever does not count. */
function fieldName(value: unknown, path: readonly PropertyKey[]): string {
  let text = '';
  let at: unknown = value;
  path.forEach((part, depth) => {
    at = (at as Record<PropertyKey, unknown> | null | undefined)?.[part];
    text += typeof part === 'number' ? `[${part}]` : `${text === '' ? '' : '.'}${String(part)}`;
    if (depth !== 1 || path[0] !== 'models') return;
    const { provider, model } = (at ?? {}) as Record<string, unknown>;
    if (typeof provider === 'string' && typeof model === 'string') text += ` (${provider}/${model})`;
  });
  return text === '' ? 'the file' : text;
}

function refused(file: string, lines: readonly string[]): WfloError {
  return new WfloError('invalid_prices', lines.map((line) => `${file}: ${line}`).join('\n'), {
    fix: 'correct the entry; docs/guides/prices.md has one that is complete',
    details: { file, findings: lines },
  });
}
