import { readFile } from 'node:fs/promises';

/** How often the kernel has killed for memory in this container (cgroup v2, then v1); 0 where it does not tell. */
export async function outOfMemoryKills(): Promise<number> {
  for (const file of ['/sys/fs/cgroup/memory.events', '/sys/fs/cgroup/memory/memory.oom_control']) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const count = /^oom_kill (\d+)$/m.exec(text)?.[1];
    if (count !== undefined) return Number(count);
  }
  return 0;
}

/** Kernel clock ticks per second as user space sees them: a constant of the Linux ABI. */
const TICKS_PER_SECOND = 100;

/**
 * CPU time, in milliseconds, of all ended children of this process and of what those waited for; undefined where
 * there is no `/proc`.
 */
export async function childrenCpuMs(): Promise<number | undefined> {
  const stat = await readFile('/proc/self/stat', 'utf8').catch(() => undefined);
  // The second field is the program's name in brackets and may hold spaces; `cutime` and `cstime` are fields 16 and 17.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields?.[13]), Number(fields?.[14])];
  return Number.isFinite(user + system) ? ((user + system) * 1000) / TICKS_PER_SECOND : undefined;
}
