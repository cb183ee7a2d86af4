import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { fargatePricesOf } from '../lib/budget/prices/fargate.ts';
import { generateBook } from './price-book/generate-book.ts';

const BOOK = fileURLToPath(new URL('../lib/budget/prices/book.json', import.meta.url));
const FARGATE = fileURLToPath(new URL('../lib/budget/prices/fargate.json', import.meta.url));
const text = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
const book = generateBook();
await writeFile(BOOK, text(book));
await writeFile(FARGATE, text(fargatePricesOf(book)));
console.log(`${book.models.length} models, ${book.sha256}`);
