import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Scratch volumes of limited size: a file system in a sparse file, mounted through a loop device, one for all volumes of
 * a task as on Fargate. Needs root.
 */
export interface Scratch {
  /** Makes a folder for each path; returns them by path. */
  make(folder: string, paths: readonly string[]): Promise<Readonly<Record<string, string>>>;
}

/** Also where this host can make none: an earlier one could. No error where there is none. */
export async function removeScratch(folder: string): Promise<void> {
  const [image, mounted] = filesOf(folder);
  // Not mounted any more, or never.
  if (existsSync(mounted)) await run('umount', [mounted]).catch(() => undefined);
  await rm(image, { force: true });
}

function filesOf(folder: string): readonly [image: string, mounted: string] {
  return [join(folder, 'scratch.ext4'), join(folder, 'scratch')];
}

/** Undefined where this machine lets us mount nothing; found out by trying. */
export async function limitedScratch(bytes: number, tryIn: string): Promise<Scratch | undefined> {
  const scratch: Scratch = {
    async make(folder, paths) {
      const [image, mounted] = filesOf(folder);
      await mkdir(mounted, { recursive: true, mode: 0o700 });
      const file = await open(image, 'wx', 0o600);
      await file.truncate(bytes);
      await file.close();
      await run('mkfs.ext4', [
        '-q',
        '-F',
        '-m',
        '0',
        '-O',
        '^has_journal',
        '-E',
        'lazy_itable_init=1,nodiscard',
        image,
      ]);
      await run('mount', ['-t', 'ext4', '-o', 'loop,nodev', image, mounted]);
      const folders: Record<string, string> = {};
      for (const [index, path] of paths.entries()) {
        const made = join(mounted, String(index));
        await mkdir(made);
        // As the images have them, whose owner and mode the volumes of Fargate take over.
        await chmod(made, path === '/tmp' ? 0o1777 : 0o755);
        folders[path] = made;
      }
      return folders;
    },
  };
  if (process.getuid?.() !== 0) return undefined;
  const trial = await mkdtemp(join(tryIn, 'trial-'));
  try {
    await scratch.make(trial, ['/tmp']);
    return scratch;
  } catch {
    return undefined;
  } finally {
    await removeScratch(trial);
    await rm(trial, { recursive: true, force: true });
  }
}
