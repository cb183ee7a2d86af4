import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildFunctions, PLATFORM_FUNCTIONS, platformEntries } from '../../../lib/project/build-functions.ts';
import { functionFolder, workflowEntries } from '../../../lib/project/workflow-functions.ts';
import { loadWorkflows } from '../../../lib/project/workflows.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

const root = resolve(import.meta.dirname, '../../..');
/** What is larger starts slower. */
const MAX_BYTES = 1152 * 1024;

describe('the bundles of the functions', () => {
  // Not temporaryFolder: it is of one test, and these read what one build made.
  const out = join(mkdtempSync(join(tmpdir(), 'wflo-bundles-')), 'functions');
  let metafile: Metafile;
  beforeAll(async () => {
    metafile = await buildFunctions(root, out, {
      ...platformEntries(root),
      ...workflowEntries(await loadWorkflows(root)),
    });
  }, 60_000);
  afterAll(() => rmSync(join(out, '..'), { recursive: true, force: true }));

  it('are one folder per function, with its source map', async () => {
    expect(readdirSync(join(out, 'lambdas')).sort()).toEqual([...PLATFORM_FUNCTIONS].sort());
    expect(readdirSync(join(out, 'workflows/data-processor')).sort()).toEqual([
      'delete-records',
      'export-records',
      'seed-records',
    ]);
    expect(readdirSync(join(out, 'lambdas/open-execution')).sort()).toEqual(['index.mjs', 'index.mjs.map']);
  });

  it('all load on plain Node, and export a handler', async () => {
    const files = PLATFORM_FUNCTIONS.map((name) => pathToFileURL(join(out, 'lambdas', name, 'index.mjs')).href);
    const script = `for (const file of ${JSON.stringify(files)}) console.log(typeof (await import(file)).handler);`;
    const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(printed.trim().split('\n')).toEqual(PLATFORM_FUNCTIONS.map(() => 'function'));
  });

  it.each(PLATFORM_FUNCTIONS)('%s needs no packages, and is small', (name) => {
    const file = join(out, 'lambdas', name, 'index.mjs');
    expect(statSync(file).size).toBeLessThanOrEqual(MAX_BYTES);
    const outside = metafile.outputs[relative(root, file)]?.imports.map(({ path }) => path);
    expect(outside?.filter((path) => !isBuiltin(path))).toEqual([]);
  });
});

describe('building', () => {
  it('takes away the bundles of functions that are gone', async () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'handler.ts'), 'export const handler = () => 1;');
    await buildFunctions(dir, join(dir, 'out'), { 'lambdas/old': join(dir, 'handler.ts') });
    await buildFunctions(dir, join(dir, 'out'), { 'lambdas/new': join(dir, 'handler.ts') });
    expect(readdirSync(join(dir, 'out/lambdas'))).toEqual(['new']);
  });

  it('fails when a handler of the platform is missing', async () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'lambdas'));
    expect(() => platformEntries(dir)).toThrow(
      expect.objectContaining({ code: 'code_not_found', message: expect.stringContaining('open-execution') }),
    );
  });
});

describe('functions of workflows', () => {
  it.each([
    ['./functions/export-records.ts', 'workflows/w/export-records'],
    ['functions/export-records.ts', 'workflows/w/export-records'],
    ['./tools/deep/run.mts', 'workflows/w/tools-deep-run'],
  ])('%s is bundled to %s', (file, folder) => {
    expect(functionFolder('w', file)).toBe(folder);
  });
});
