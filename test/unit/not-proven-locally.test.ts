import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../scripts/smoke/checks.ts';

const root = resolve(import.meta.dirname, '../..');
const PAGE = 'docs/not-proven-locally.md';
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
/** What stands for a fact without being a test file. */
const READERS = new Set(['permissions.md', 'cfn-lint', 'checkov']);

const files = readdirSync(join(root, 'test'), { withFileTypes: true, recursive: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));

interface Row {
  readonly fact: string;
  readonly standsForIt: string;
  readonly smoke: string;
}

const lines = readFileSync(join(root, PAGE), 'utf8').split('\n');
const rows: Row[] = lines
  .filter((line) => line.startsWith('| ') && !line.startsWith('| on AWS') && !/^\| -+/.test(line))
  .map((line) => {
    const cells = line
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim());
    expect(cells, line).toHaveLength(3);
    const [fact = '', standsForIt = '', smoke = ''] = cells;
    return { fact, standsForIt, smoke };
  });

/** `x.test.ts` by name or path. */
function filesOf(reference: string): string[] {
  return files.filter((file) => basename(file) === reference || file.endsWith(`/${reference}`));
}

/** What is wrong with a reference in backticks. `titles` is what stands in parentheses behind it, separated by semicolons. */
function problemsOf(reference: string, titles: string | undefined): string[] {
  if (READERS.has(reference)) return [];
  if (reference.startsWith('npm run ')) return reference.slice(8) in scripts ? [] : [`no script ${reference}`];
  if (!reference.endsWith('.test.ts'))
    return existsSync(join(root, reference)) ? [] : [`neither a test nor a file: ${reference}`];
  const found = filesOf(reference);
  if (found.length === 0) return [`no test file ${reference}`];
  const texts = found.map((file) => readFileSync(file, 'utf8'));
  return (titles?.split('; ') ?? [])
    .filter((title) => !texts.some((text) => titlesOf(text).some((each) => each.includes(title))))
    .map((title) => `${reference} has no test "${title}"`);
}

/** Of its suites and tests. */
function titlesOf(text: string): string[] {
  return [...text.matchAll(/\b(?:describe|it)(?:\.each\([\s\S]*?\))?\(\s*(['"`])([\s\S]*?)\1/g)].map(
    (match) => match[2] ?? '',
  );
}

describe('the page of what the local AWS cannot prove', () => {
  it('names for every fact a test that exists, or nothing and what a person does instead', () => {
    expect(rows.length).toBeGreaterThan(35);
    const problems = rows.flatMap(({ fact, standsForIt }) => {
      if (standsForIt.startsWith('nothing'))
        return /^nothing: .{20,}/.test(standsForIt) ? [] : [`${fact}: nothing, and no word on what a person does`];
      const references = [...standsForIt.matchAll(/`([^`]+)`(?: \(([^)]*)\))?/g)];
      if (references.length === 0) return [`${fact}: names no test`];
      return references.flatMap(([, reference = '', titles]) =>
        problemsOf(reference, titles).map((problem) => `${fact}: ${problem}`),
      );
    });
    expect(problems.join('\n')).toBe('');
  });

  it('has every check of the smoke run that needs AWS, and no other', () => {
    const ids = rows.flatMap(({ smoke }) => [...smoke.matchAll(/`([^`]+)`/g)].map((match) => match[1]));
    const wordless = rows.filter(({ smoke }) => smoke !== '-' && !/^`[a-z-]+`(, `[a-z-]+`)*$/.test(smoke));
    expect(wordless).toEqual([]);
    expect(ids.filter((id) => !CHECKS.some((check) => check.id === id))).toEqual([]);
    expect(CHECKS.filter(({ id }) => !ids.includes(id)).map(({ id }) => id)).toEqual([]);
  });

  it('tells why a check is left to AWS, in the words of the check', () => {
    const listed = new Map(
      lines.flatMap((line) => {
        const match = /^- `([a-z-]+)`: (.*)\.$/.exec(line);
        return match === null ? [] : [[match[1], match[2]] as const];
      }),
    );
    expect(listed).toEqual(
      new Map(CHECKS.flatMap(({ id, notLocally }) => (notLocally === undefined ? [] : [[id, notLocally] as const]))),
    );
  });
});
