import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...markdownBelow('docs'),
  ...markdownBelow('state-machines'),
  ...markdownBelow('sandbox-images'),
];

function markdownBelow(folder: string): string[] {
  return (
    readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
      // Packages of agents have pages of their own.
      .filter((entry) => entry.isFile() && entry.name.endsWith('.md') && !/\bvendor\b/.test(entry.parentPath))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  );
}

/** `<!-- snippet: FILE -->` is followed by a code block with the text of FILE; `UPDATE_DOCS=1` writes it. */
const SNIPPET = /<!-- snippet: (\S+) -->\n```(\w+)\n([\s\S]*?)```\n<!-- \/snippet -->/g;

describe('documentation', () => {
  it('shows files of the repository as they are', () => {
    let snippets = 0;
    for (const page of pages) {
      const text = readFileSync(join(root, page), 'utf8');
      const current = text.replace(SNIPPET, (_, file: string, language: string) => {
        snippets += 1;
        return `<!-- snippet: ${file} -->\n\`\`\`${language}\n${readFileSync(join(root, file), 'utf8')}\`\`\`\n<!-- /snippet -->`;
      });
      if (process.env.UPDATE_DOCS === '1' && current !== text) writeFileSync(join(root, page), current);
      else
        expect(text, `${page}: run UPDATE_DOCS=1 npx vitest run --project unit test/unit/docs.test.ts`).toBe(current);
    }
    expect(snippets).toBeGreaterThan(0);
  });

  it('links to files that exist', () => {
    const broken = pages.flatMap((page) =>
      [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => !existsSync(resolve(root, dirname(page), target)))
        .map((target) => `${page} -> ${target}`),
    );
    expect(broken).toEqual([]);
  });
});
