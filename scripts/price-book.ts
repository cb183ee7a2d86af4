import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { priceBook } from '../lib/budget/prices/book.ts';
import { fargatePricesOf } from '../lib/budget/prices/fargate.ts';
import { table } from '../lib/cli/table.ts';
import { changesBetween, unverifiedIn } from './price-book/changes.ts';
import { generateBook } from './price-book/generate-book.ts';

/**
 * Writes the price book from the installed price package and what is reviewed. With `--diff` it writes nothing; with
 * both it prints what changes, one line for each model and field, and what a person still has to look up.
 */
const PRICES = fileURLToPath(new URL('../lib/budget/prices/', import.meta.url));

const [option, ...more] = process.argv.slice(2);
if (more.length > 0 || (option !== undefined && option !== '--diff')) {
  console.error('usage: price-book [--diff]');
  process.exit(2);
}
const [before, after] = [priceBook(), generateBook()];
const changes = changesBetween(before, after);
if (option === undefined) {
  await writeFile(`${PRICES}book.json`, jsonText(after));
  await writeFile(`${PRICES}fargate.json`, jsonText(fargatePricesOf(after)));
}
if (changes.length === 0) {
  console.log(`${after.models.length} models from ${after.generatedFrom}: nothing changes`);
} else {
  console.log(
    table([
      ['entry', 'what', 'before', 'after'],
      ...changes.map(({ entry, what, before, after }) => [entry, what, before, after]),
    ]).join('\n'),
  );
}
for (const { reason, entries } of unverifiedIn(after)) {
  console.log(`unverified: ${reason}\n  ${entries.join(', ')}`);
}
console.log(`price book ${after.sha256}${option === undefined ? '' : ', which is not written'}`);

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
