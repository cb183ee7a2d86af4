import { readFile } from 'node:fs/promises';
import { isAbsolute, join, normalize, sep } from 'node:path';
import type { PriceBook } from '../budget/price-book.ts';
import { priceBook } from '../budget/prices/book.ts';
import { readPriceOverrides, withOverrides } from '../budget/prices/overrides.ts';
import { WfloError } from '../errors.ts';

/** Context key: a JSON file with prices of this deployment, relative to the project. */
export const PRICES_KEY = 'wflo:prices';

/** The context value, checked. Throws `invalid_settings` for what is no file in the folder of the project. */
export function pricesFileOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value.endsWith('.json') && isInside(value)) return value;
  throw new WfloError('invalid_settings', `the context value ${PRICES_KEY} is ${JSON.stringify(value)}`, {
    fix: `set it to a JSON file in the folder of the project, such as "prices.json", in cdk.json or with -c ${PRICES_KEY}=…`,
  });
}

/**
 * The committed price book with the prices that the context value names. Throws as `pricesFileOf`, and `invalid_prices`
 * with the entry and the field, or for a file that cannot be read.
 */
export async function projectPriceBook(projectDir: string, value: unknown): Promise<PriceBook> {
  const file = pricesFileOf(value);
  if (file === undefined) return priceBook();
  return withOverrides(priceBook(), readPriceOverrides(await readJson(join(projectDir, file), file), file));
}

function isInside(file: string): boolean {
  return !isAbsolute(file) && !normalize(file).split(sep).includes('..');
}

async function readJson(path: string, file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new WfloError('invalid_prices', `${file} cannot be read as JSON: ${(cause as Error).message}`, {
      fix: `correct the file, or take ${PRICES_KEY} out of cdk.json`,
      cause,
    });
  }
}
