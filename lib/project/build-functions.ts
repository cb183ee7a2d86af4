import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';
import type { PriceBook } from '../budget/price-book.ts';
import { priceBook } from '../budget/prices/book.ts';
import { WfloError } from '../errors.ts';
import { bundledPrices } from './bundled-prices.ts';

/** Every function of the platform: a folder `lambdas/<name>` with a `handler.ts`. */
export const PLATFORM_FUNCTIONS = [
  'open-execution',
  'prepare-step',
  'request-approval',
  'resume-approval',
  'expire-approval',
  'invoke-step',
  'serve-sandbox-api',
  'finish-step',
  'close-execution',
  'end-execution',
  'serve-control-api',
  'relay-events',
  'watch-budgets',
  'reconcile',
  'copy-code',
  'register-workflow',
] as const;
export type PlatformFunctionName = (typeof PLATFORM_FUNCTIONS)[number];

const CREDENTIALS = fileURLToPath(new URL('function-credentials.ts', import.meta.url));

/** Entry files by the folder that each bundle goes to. */
export type FunctionEntries = Readonly<Record<string, string>>;

/** The entries of all platform functions, under `lambdas/<name>`. Throws `code_not_found` when a handler is missing. */
export function platformEntries(projectDir: string): FunctionEntries {
  return Object.fromEntries(
    PLATFORM_FUNCTIONS.map((name) => {
      const file = join(projectDir, 'lambdas', name, 'handler.ts');
      if (!existsSync(file)) {
        throw new WfloError('code_not_found', `the function ${name} has no ${file}`, {
          fix: 'restore the file, or take the name out of PLATFORM_FUNCTIONS',
        });
      }
      return [`lambdas/${name}`, file];
    }),
  );
}

/**
 * Bundles all entries in one esbuild run, each to `<outDir>/<folder>/index.mjs` with its source map. One run is what
 * keeps synthesis fast: a bundler process per function takes a second each. The bundles hold everything, the AWS SDK
 * too, so that what was tested is what runs, and the prices of the deployment. Returns what is in each of them.
 */
export async function buildFunctions(
  projectDir: string,
  outDir: string,
  entries: FunctionEntries,
  prices: PriceBook = priceBook(),
): Promise<Metafile> {
  removeStale(outDir, entries);
  const { metafile } = await build({
    absWorkingDir: projectDir,
    entryPoints: Object.entries(entries).map(([folder, file]) => ({ in: file, out: `${folder}/index` })),
    outdir: outDir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    platform: 'node',
    // The local AWS runs functions on the node of the machine, which may be 20.
    target: 'node20',
    format: 'esm',
    mainFields: ['module', 'main'],
    // Packages in CommonJS call `require` for Node's own modules, which an ES module does not have.
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    plugins: [bundledPrices(prices)],
    alias: { '@aws-sdk/credential-provider-node': CREDENTIALS },
    legalComments: 'none',
    logLevel: 'error',
    metafile: true,
  });
  return metafile;
}

/** Bundles of functions that no longer exist would be found by whoever lists the folder. */
function removeStale(outDir: string, entries: FunctionEntries): void {
  const parents = new Set(Object.keys(entries).map((folder) => dirname(folder)));
  for (const parent of parents) {
    const dir = join(outDir, parent);
    if (!existsSync(dir)) continue;
    for (const name of readdirSync(dir)) {
      if (!(`${parent}/${name}` in entries)) rmSync(join(dir, name), { recursive: true });
    }
  }
}
