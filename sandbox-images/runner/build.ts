import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/**
 * Bundles the runner into one ES module without dependencies (`runner.mjs`), the file that every sandbox image and
 * the local sandbox host start with Node 20 or later. The same sources give the same bytes, so that an image's
 * content hash changes only when the runner does.
 */
export async function buildRunner(outfile: string): Promise<void> {
  await mkdir(dirname(outfile), { recursive: true });
  await build({
    entryPoints: [fileURLToPath(new URL('src/main.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    legalComments: 'none',
    logLevel: 'error',
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const outfile = resolve(process.argv[2] ?? 'build/runner/runner.mjs');
  await buildRunner(outfile);
  console.log(outfile);
}
