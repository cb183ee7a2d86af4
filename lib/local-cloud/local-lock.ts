import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WfloError } from '../errors.ts';
import { localPaths } from './paths.ts';
import { isAlive, type KnownProcess, type ProcessTable, systemProcesses } from './process-identity.ts';

/** Longer than a first `up` on a slow line: a second one that waits finds the first one's result. */
const WAIT_MS = 180_000;

interface LockOptions {
  readonly waitMs?: number;
  readonly processes?: ProcessTable;
  /** Told once, when another command holds the lock. */
  readonly onWait?: (holderPid: number) => void;
}

/**
 * Runs `work` while no other command changes the local AWS of this project. The lock file names its holder, and the
 * lock of a holder that is gone is taken over. Throws `local_locked` after `waitMs`.
 */
export async function withLocalLock<T>(
  projectDir: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const file = localPaths(projectDir).lockFile;
  const processes = options.processes ?? systemProcesses;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const mine = JSON.stringify({ pid: process.pid, startedIdentity: processes.identity(process.pid) ?? '' });
  await acquire(file, mine, processes, options);
  try {
    return await work();
  } finally {
    if ((await textOf(file)) === mine) await rm(file, { force: true });
  }
}

async function acquire(file: string, mine: string, processes: ProcessTable, options: LockOptions): Promise<void> {
  const deadline = performance.now() + (options.waitMs ?? WAIT_MS);
  let told = false;
  for (;;) {
    if (await createWhole(file, mine)) return;
    const text = await textOf(file);
    if (text === undefined) continue;
    const holder = parseHolder(text);
    if (holder === undefined || !isAlive(holder, processes)) {
      await breakLock(file, text);
      continue;
    }
    if (!told) options.onWait?.(holder.pid);
    told = true;
    if (performance.now() >= deadline)
      throw new WfloError('local_locked', `process ${holder.pid} is changing the local AWS (${file})`, {
        fix: `Wait until it has ended, or end it with \`kill ${holder.pid}\`.`,
      });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A hard link appears with its whole content or not at all, so nobody reads a lock without a holder. */
async function createWhole(file: string, text: string): Promise<boolean> {
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(temporary, text, { mode: 0o600 });
  try {
    await link(temporary, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Moves a stale lock away before it is deleted: of two that saw the same stale lock, only one may remove it, and
 * neither may remove the lock that the other has just taken.
 */
async function breakLock(file: string, seen: string): Promise<void> {
  const aside = `${file}.stale.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await textOf(aside)) !== seen) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseHolder(text: string): KnownProcess | undefined {
  try {
    const value = JSON.parse(text) as { pid?: unknown; startedIdentity?: unknown };
    if (typeof value.pid !== 'number' || typeof value.startedIdentity !== 'string') return undefined;
    return { pid: value.pid, startedIdentity: value.startedIdentity };
  } catch {
    return undefined;
  }
}
