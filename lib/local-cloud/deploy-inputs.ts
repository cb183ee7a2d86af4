import { createHash } from 'node:crypto';
import { createReadStream, type Dirent } from 'node:fs';
import { readdir, readlink, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

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

/**
 * SHA-256 over everything that a deployment can depend on: the project's files, the installed packages, and how the
 * app is configured. Rather too much than too little: an unneeded deployment costs seconds, a missed one is a riddle.
 */
export async function hashDeployInputs(
  projectDir: string,
  configuration: { readonly [name: string]: string },
): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify(Object.entries(configuration).sort(([a], [b]) => (a < b ? -1 : 1))));
  for (const file of await inputFiles(projectDir)) {
    hash.update(`\0${relative(projectDir, file).split(sep).join('/')}\0`);
    await addContent(hash, file);
  }
  // npm's own record of what is installed.
  const installed = join(projectDir, 'node_modules', '.package-lock.json');
  if (await exists(installed)) await addContent(hash, installed);
  return hash.digest('hex');
}

/** Sorted by path. */
export async function inputFiles(projectDir: string): Promise<readonly string[]> {
  const files: string[] = [];
  await collect(projectDir, files, (entry) =>
    entry.isDirectory()
      ? !IGNORED_AT_ROOT.has(entry.name)
      : !IGNORED_AT_ROOT.has(entry.name) && !IGNORED_FILES_AT_ROOT.test(entry.name),
  );
  return files.sort();
}

async function collect(folder: string, files: string[], wanted: (entry: Dirent) => boolean): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (IGNORED_EVERYWHERE.has(entry.name) || !wanted(entry)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await collect(path, files, () => true);
    else if (entry.isFile() || entry.isSymbolicLink()) files.push(path);
  }
}

async function addContent(hash: ReturnType<typeof createHash>, file: string): Promise<void> {
  const info = await stat(file).catch(() => undefined);
  // A link counts by its target's content, or by the target's name where that is a folder or missing.
  if (info === undefined || !info.isFile()) {
    hash.update(await readlink(file).catch(() => ''));
    return;
  }
  // The mode travels with code archives.
  hash.update(`${info.size}:${info.mode & 0o111}\0`);
  await pipeline(createReadStream(file), async (chunks) => {
    for await (const chunk of chunks) hash.update(chunk);
  });
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}
