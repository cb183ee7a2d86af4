import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { agentFolder, buildAgents } from '../../../lib/project/build-agents.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

let root: string;
beforeEach(() => {
  root = temporaryFolder();
});

function put(path: string, text: string): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const out = () => join(root, 'out');
const bundle = () => readFileSync(join(out(), 'agents/w/agent-act/act.mjs'));

describe('the bundle of a TypeScript agent', () => {
  it('stands alone in a folder of its own', () => {
    expect(agentFolder('w', './agent/act.ts')).toBe('agents/w/agent-act');
    expect(agentFolder('w', 'act.mts')).toBe('agents/w/act');
  });

  it('is one file that runs without its packages, CommonJS and texts too', async () => {
    put('node_modules/old/package.json', '{"name":"old","main":"index.js"}');
    put('node_modules/old/index.js', `const { basename } = require('node:path'); exports.name = basename('/a/b');`);
    put('w/agent/words.md', 'from a text');
    const file = put(
      'w/agent/act.ts',
      `import old from 'old';\nimport words from './words.md' with { type: 'text' };\nconst all: string[] = [old.name, words];\nconsole.log(all.join());\nawait Promise.resolve();\n`,
    );
    await buildAgents(root, out(), { 'agents/w/agent-act/act': file });
    expect(readdirSync(join(out(), 'agents/w/agent-act'))).toEqual(['act.mjs']);
    const stdout = execFileSync(process.execPath, [join(out(), 'agents/w/agent-act/act.mjs')], { cwd: '/' });
    expect(stdout.toString()).toBe('b,from a text\n');
  });

  it('has the same bytes for the same sources, wherever the project is', async () => {
    const text = `import { a } from './a.ts';\nconsole.log(a);\n`;
    const bytes: Buffer[] = [];
    for (const project of ['one', 'two/deeper']) {
      put(`${project}/w/a.ts`, 'export const a: number = 1;\n');
      const file = put(`${project}/w/act.ts`, text);
      await buildAgents(join(root, project), out(), { 'agents/w/agent-act/act': file });
      bytes.push(bundle());
    }
    expect(bytes[0]).toEqual(bytes[1]);
  });

  it('replaces what was bundled before', async () => {
    const file = put('w/act.ts', 'console.log(1);\n');
    await buildAgents(root, out(), { 'agents/w/old/old': file });
    await buildAgents(root, out(), { 'agents/w/new/new': file });
    expect(readdirSync(join(out(), 'agents/w'))).toEqual(['new']);
  });

  it.each([
    ['a syntax error', 'const = 1;\n', /act\.ts:1: /],
    ['a package that is not installed', `import 'no-such-package';\n`, /no-such-package/],
  ])('is refused with the place of %s', async (_, text, message) => {
    const file = put('w/act.ts', text);
    const building = buildAgents(root, out(), { 'agents/w/agent-act/act': file });
    await expect(building).rejects.toMatchObject({ code: 'invalid_code', message: expect.stringMatching(message) });
  });
});
