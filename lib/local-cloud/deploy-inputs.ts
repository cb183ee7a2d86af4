import { createHash, type Hash } from 'node:crypto';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { PACKAGE_DIR } from './paths.ts';

/** Of the project's folder itself: what no deployment is made from. Everything else counts, known or not. */
const IGNORED_AT_ROOT = new Set([
  '.git',
  '.github',
  '.ci',
  '.vscode',
  '.idea',
  '.wflo',
  'bench',
  'build',
  'cdk.out',
  'coverage',
  'docs',
  'node_modules',
  'test',
]);
const IGNORED_FILES_AT_ROOT = /(\.md|\.log|\.tgz|^LICENSE|^\.gitignore|^biome\.json|^vitest\.config\.ts)$/;
/** At any depth: what running the code leaves behind. */
const IGNORED_EVERYWHERE = new Set(['__pycache__', '.DS_Store', '.pytest_cache']);

/** Of the package itself, where the project is another folder: what the app is made of. */
const PACKAGE_INPUTS = ['bin', 'lambdas', 'lib', 'package.json', 'package-lock.json', 'sandbox-images'];
/** npm's own record of what is installed. */
const INSTALLED = join('node_modules', '.package-lock.json');

export interface MoreInputs {
  /** Files of the project that its settings name, wherever they are. */
  readonly files?: readonly string[];
  /** The folder of this package. */
  readonly packageDir?: string;
}

/**
 * SHA-256 over everything that a deployment can depend on: the project's files, those of this package, the installed
 * packages, and how the app is configured. Rather too much than too little: an unneeded deployment costs seconds, a
 * missed one is a riddle.
 */
export async function hashDeployInputs(
  projectDir: string,
  configuration: { readonly [name: string]: string },
  { files = [], packageDir = PACKAGE_DIR }: MoreInputs = {},
): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify(Object.entries(configuration).sort(([a], [b]) => (a < b ? -1 : 1))));
  const named = files.map((file) => join(projectDir, file));
  await addFiles(hash, projectDir, [...(await projectInputs(projectDir)), join(projectDir, INSTALLED), ...named]);
  if (relative(projectDir, packageDir) !== '') {
    const ours: string[] = [];
    for (const name of PACKAGE_INPUTS) await collect(join(packageDir, name), ours, new Set());
    await addFiles(hash, packageDir, [...ours.sort(), join(packageDir, INSTALLED)]);
  }
  return hash.digest('hex');
}

/** Files of the project that a deployment can depend on, sorted by path. */
export async function projectInputs(projectDir: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const entry of await readdir(projectDir, { withFileTypes: true })) {
    if (IGNORED_AT_ROOT.has(entry.name) || (!entry.isDirectory() && IGNORED_FILES_AT_ROOT.test(entry.name))) continue;
    await collect(join(projectDir, entry.name), files, new Set());
  }
  return files.sort();
}

/** Follows links, since a workflow may be one; `above` holds the real folders on the way, so that a loop ends. */
async function collect(path: string, files: string[], above: ReadonlySet<string>): Promise<void> {
  if (IGNORED_EVERYWHERE.has(basename(path))) return;
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return;
  if (info.isFile()) files.push(path);
  if (!info.isDirectory()) return;
  const real = await realpath(path);
  if (above.has(real)) return;
  for (const entry of await readdir(path)) await collect(join(path, entry), files, new Set([...above, real]));
}

async function addFiles(hash: Hash, root: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const info = await stat(file).catch(() => undefined);
    if (info === undefined) continue;
    // The mode travels with code archives.
    hash.update(`\0${relative(root, file).split(sep).join('/')}\0${info.size}:${info.mode & 0o111}\0`);
    hash.update(await readFile(file));
  }
}
