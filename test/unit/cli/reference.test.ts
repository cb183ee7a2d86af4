import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { COMMANDS } from '../../../lib/cli/commands/index.ts';
import { cliReference } from '../../../lib/cli/reference.ts';

const file = resolve(import.meta.dirname, '../../../docs/cli.md');

it('docs/cli.md is what the commands say', () => {
  const current = cliReference(COMMANDS);
  if (process.env.UPDATE_DOCS === '1') writeFileSync(file, current);
  expect(readFileSync(file, 'utf8')).toBe(current);
});
