import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Kills every process whose environment holds the text, except this one: a daemon keeps the environment that it was
 * started with. Needs `/proc` and the same user; elsewhere it does nothing. A process that was started with another
 * environment is not found: only a container's own process namespace is exact.
 */
export async function killStrayProcesses(marker: string): Promise<void> {
  for (let round = 0; round < 5; round++) {
    const found = (await processesWith(marker)).filter((pid) => pid !== process.pid);
    if (found.length === 0) break;
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended in between.
      }
    }
    await sleep(20);
  }
}

/** For the first process of a container: exact, and needs no right to read of other users' processes. */
export function killAllOthers(): void {
  try {
    process.kill(-1, 'SIGKILL');
  } catch {
    // There is none.
  }
}

/** Ids of living processes with the text in their environment, zombies left out (theirs reads as empty). */
export async function processesWith(marker: string): Promise<number[]> {
  const entries = await readdir('/proc').catch(() => []);
  const pids = entries.filter((name) => /^[0-9]+$/.test(name));
  const found: number[] = [];
  for (const pid of pids) {
    const environ = await readFile(`/proc/${pid}/environ`).catch(() => undefined);
    if (environ?.includes(marker)) found.push(Number(pid));
  }
  return found;
}
