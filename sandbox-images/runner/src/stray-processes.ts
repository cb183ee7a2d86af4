import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const END_WITHIN_MS = 5_000;
const PAUSE_MS = 20;
/** In the moment in which a process becomes another program, its environment reads as empty. */
const EMPTY_LOOKS = 2;

/**
 * Kills every process whose environment holds the text, except this one, until none is found: a daemon keeps the
 * environment that it was started with. Needs `/proc` and the same user; elsewhere it does nothing. A process that was
 * started with another environment is not found: only a container's own process namespace is exact. False: something
 * with the text still runs.
 */
export async function killStrayProcesses(marker: string, withinMs: number = END_WITHIN_MS): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  for (let empty = 0; ; ) {
    const found = (await processesWith(marker)).filter((pid) => pid !== process.pid);
    empty = found.length === 0 ? empty + 1 : 0;
    if (empty === EMPTY_LOOKS) return true;
    if (found.length > 0 && performance.now() > deadline) return false;
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended in between.
      }
    }
    await sleep(PAUSE_MS);
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
