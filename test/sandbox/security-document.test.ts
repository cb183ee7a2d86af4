import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SandboxCase } from './case.ts';
import { CASES } from './cases/index.ts';
import { differencesTable, namesIn } from './differences.ts';

const root = resolve(import.meta.dirname, '../..');
const page = join(root, 'docs/security/sandbox.md');
const DIFFERENCES = /<!-- differences -->\n[\s\S]*?<!-- \/differences -->/;

/** The rows of the table below the heading, as cells. */
function rowsBelow(heading: string): string[][] {
  const section = readFileSync(page, 'utf8').split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** A case that no driver runs shows nothing. */
function ranSomewhere({ differs }: SandboxCase): boolean {
  return (['process', 'docker'] as const).some((driver) => differs?.[driver] === undefined || differs[driver].ends);
}

describe('docs/security/sandbox.md', () => {
  it('says what differs between the drivers, as the battery has it', () => {
    const text = readFileSync(page, 'utf8');
    const block = `<!-- differences -->\n\n${differencesTable(CASES)}\n\n<!-- /differences -->`;
    const current = text.replace(DIFFERENCES, () => block);
    expect(DIFFERENCES.test(text)).toBe(true);
    if (process.env.UPDATE_DOCS === '1' && current !== text) writeFileSync(page, current);
    else expect(text, 'run UPDATE_DOCS=1 npx vitest run --project sandbox security-document').toBe(current);
  });

  it('names tests that exist, one for every attack', () => {
    const rows = rowsBelow('Attacks');
    expect(rows.length).toBeGreaterThan(20);
    const cases = new Set(CASES.filter((one) => ranSomewhere(one)).map(({ name }) => name));
    for (const row of rows) {
      const names = namesIn(row.at(-1) ?? '');
      expect(names, row[0]).not.toEqual([]);
      for (const name of names) {
        const found = name.endsWith('.test.ts') ? existsSync(join(root, name)) : cases.has(name);
        expect(found, `"${name}" of the row "${row[0]}"`).toBe(true);
      }
    }
  });

  it('has no two cases of one name', () => {
    expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
  });
});
