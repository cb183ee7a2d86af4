import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as tar from 'tar';
import { WfloError } from '../errors.ts';
import { sha256 } from '../json.ts';

/** What running the code leaves behind. */
const LEFT_BEHIND = new Set(['__pycache__', '.pytest_cache', '.DS_Store']);

export interface CodeArchive {
  readonly file: string;
  /** Hex SHA-256 of the file. */
  readonly sha256: string;
}

/**
 * Packs a folder of agent code as a gzip tar in `outDir`, named by its hash. The same files give the same bytes on
 * every machine: names are sorted, and times, owners and all of the mode but the executable bit are left out.
 * `omits` takes paths below the folder. Throws
 * `invalid_code` for an empty folder and for anything that is no plain file, such as a symbolic link.
 */
export function makeCodeArchive(
  folder: string,
  outDir: string,
  omits: (path: string) => boolean = () => false,
): CodeArchive {
  const files = filesOf(folder, '').filter((path) => !omits(path));
  if (files.length === 0) {
    throw new WfloError('invalid_code', `${folder} holds no files`, { fix: 'put the code of the agent into it' });
  }
  mkdirSync(outDir, { recursive: true });
  // Compressing the packages of an agent takes seconds, reading them a fraction of one.
  const known = join(outDir, '..', 'known-archives', contentHash(folder, files));
  const before = existsSync(known) ? readFileSync(known, 'utf8') : undefined;
  if (before !== undefined) {
    const file = join(outDir, `${before}.tar.gz`);
    if (existsSync(file) && sha256(readFileSync(file)) === before) return { file, sha256: before };
  }
  const unnamed = join(outDir, `unnamed-${process.pid}.tar.gz`);
  tar.create(
    {
      sync: true,
      file: unnamed,
      cwd: folder,
      gzip: { level: 9 },
      portable: true,
      mtime: new Date(0),
      noDirRecurse: true,
      onWriteEntry: ({ stat }) => {
        if (stat !== undefined) stat.mode = (stat.mode & 0o111) === 0 ? 0o100644 : 0o100755;
      },
    },
    files,
  );
  const hash = sha256(readFileSync(unnamed));
  const file = join(outDir, `${hash}.tar.gz`);
  renameSync(unnamed, file);
  mkdirSync(dirname(known), { recursive: true });
  writeFileSync(known, hash);
  return { file, sha256: hash };
}

/** Of all that goes into the archive: names, the executable bit, and bytes. */
function contentHash(folder: string, files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of files) {
    const file = join(folder, path);
    const bytes = readFileSync(file);
    const executable = (statSync(file).mode & 0o111) !== 0;
    hash.update(`${path}\0${executable}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

/** Paths relative to `folder`, with `/`, sorted. */
function filesOf(folder: string, below: string): string[] {
  const entries = readdirSync(join(folder, below), { withFileTypes: true }).filter(
    ({ name }) => !LEFT_BEHIND.has(name),
  );
  const paths = entries.flatMap((entry) => {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) return filesOf(folder, path);
    if (entry.isFile()) return entry.name.endsWith('.pyc') ? [] : [path];
    throw new WfloError('invalid_code', `${join(folder, path)} is neither a file nor a folder`, {
      fix: entry.isSymbolicLink() ? 'put a copy in place of the link' : `take it out of ${dirname(join(folder, path))}`,
    });
  });
  return paths.sort();
}
