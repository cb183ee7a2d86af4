import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/**
 * Bundles the runner into one ES module without dependencies (`runner.mjs`), the file that every sandbox image and
 * the local sandbox host start with Node 20 or later. The same sources give the same bytes, so that an image's
 * content hash changes only when the runner does. Returns the files that something of is in the bundle.
 */
export async function buildRunner(outfile: string): Promise<string[]> {
  return bundle('src/main.ts', outfile);
}

/** Bundles the program that makes the runner's folder in a build stage. */
export async function buildAssembler(outfile: string): Promise<void> {
  await bundle('assemble.ts', outfile);
}

async function bundle(entry: string, outfile: string): Promise<string[]> {
  await mkdir(dirname(outfile), { recursive: true });
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    legalComments: 'none',
    logLevel: 'error',
    metafile: true,
  });
  // Paths in the metafile are relative to the working directory.
  return Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [resolve(file)] : [])),
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const outfile = resolve(process.argv[2] ?? 'build/runner/runner.mjs');
  await buildRunner(outfile);
  console.log(outfile);
}
