import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Kills every process whose environment holds the text, except this one: what left the agent's process group (a
 * daemon, `setsid`) keeps the environment it was started with. Needs `/proc`; elsewhere it does nothing. A process
 * that was started with another environment is not found: only a container's own process namespace is exact.
 * Returns how many were killed.
 */
export async function killStrayProcesses(marker: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
  const killed = new Set<number>();
  for (let round = 0; round < 5; round++) {
    const found = (await processesWith(marker)).filter((pid) => pid !== process.pid);
    if (found.length === 0) break;
    for (const pid of found) {
      try {
        process.kill(pid, signal);
        killed.add(pid);
      } catch {
        // It has ended in between.
      }
    }
    await sleep(20);
  }
  return killed.size;
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
