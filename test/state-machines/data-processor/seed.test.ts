import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { generateRecords, recordsText } from '../../../state-machines/data-processor/data/generate.ts';

it('is what the generator makes, and its ids are unique', async () => {
  const file = join(import.meta.dirname, '../../../state-machines/data-processor/data/records.json');
  const records = generateRecords();
  expect(await readFile(file, 'utf8')).toBe(recordsText(records));
  expect(new Set(records.map(({ id }) => id)).size).toBe(records.length);
});
