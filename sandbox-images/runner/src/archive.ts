import { chmod, mkdir, open, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ArchiveCheck, type ArchiveRules, plainPath } from './check-archive.ts';
import { type ArchiveEntry, readArchive } from './read-archive.ts';

/**
 * Unpacks a gzip tar into an empty folder. The whole archive is checked before the first file is written. No owner, no
 * time and no set-id bit is taken over, and the owner may always read, write and enter what is his.
 */
export async function extractArchive(file: string, rules: ArchiveRules): Promise<void> {
  const check = new ArchiveCheck(rules);
  await readArchive(file, rules.what, async (entry) => {
    check.add(entry);
    entry.skip();
  });
  check.end();
  await readArchive(file, rules.what, (entry) => write(entry, rules.folder));
}

async function write(entry: ArchiveEntry, folder: string): Promise<void> {
  const path = plainPath(entry.path);
  const target = join(folder, path);
  if (entry.type === 'Directory') {
    await mkdir(target, { recursive: true });
    if (path !== '') await chmod(target, ((entry.mode ?? 0o755) & 0o777) | 0o700);
    entry.skip();
    return;
  }
  await mkdir(dirname(target), { recursive: true });
  if (entry.type === 'SymbolicLink') {
    await symlink(entry.linkpath ?? '', target);
    entry.skip();
    return;
  }
  // `wx` makes the file or fails: it follows no link and writes into nothing that is there.
  const made = await open(target, 'wx', 0o600);
  try {
    for await (const chunk of entry.content) await made.writeFile(chunk);
    await made.chmod(((entry.mode ?? 0o644) & 0o777) | 0o600);
  } finally {
    await made.close();
  }
}
