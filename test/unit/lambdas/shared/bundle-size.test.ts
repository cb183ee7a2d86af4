import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const LIMIT_BYTES = 1024 * 1024;
const lambdas = resolve(import.meta.dirname, '../../../../lambdas');
const FUNCTIONS = [
  'open-execution',
  'prepare-step',
  'invoke-step',
  'finish-step',
  'close-execution',
  'end-execution',
  'relay-events',
  'reconcile',
];

it('bundles every handler into at most 1 MiB: what is larger starts slower', async () => {
  const result = await build({
    entryPoints: FUNCTIONS.map((name) => ({ in: join(lambdas, name, 'handler.ts'), out: name })),
    bundle: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    mainFields: ['module', 'main'],
    write: false,
    outdir: lambdas,
    logLevel: 'error',
  });
  const sizes = result.outputFiles.map(({ path, contents }) => ({ path, bytes: contents.byteLength }));
  expect(sizes).toHaveLength(FUNCTIONS.length);
  expect(sizes.filter(({ bytes }) => bytes > LIMIT_BYTES)).toEqual([]);
}, 30_000);
