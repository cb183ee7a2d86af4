import { readFile } from 'node:fs/promises';

const CGROUP = '/sys/fs/cgroup';
/** Kernel clock ticks per second as user space sees them: a constant of the Linux ABI. */
const TICKS_PER_SECOND = 100;

/** How often the kernel has killed for memory in this container (cgroup v2, then v1); 0 where it does not tell. */
export async function outOfMemoryKills(cgroup: string = CGROUP): Promise<number> {
  for (const file of ['memory.events', 'memory/memory.oom_control']) {
    const count = /^oom_kill (\d+)$/m.exec(await textOf(`${cgroup}/${file}`))?.[1];
    if (count !== undefined) return Number(count);
  }
  return 0;
}

/**
 * CPU time of this container without what this process used itself, in milliseconds: also of processes that an init
 * waited for. Undefined where the kernel does not tell. Outside a container these are the counters of the machine.
 */
export async function containerCpuMs(cgroup: string = CGROUP): Promise<number | undefined> {
  const microseconds = numberOf(/^usage_usec (\d+)$/m.exec(await textOf(`${cgroup}/cpu.stat`))?.[1]);
  const nanoseconds = numberOf(await textOf(`${cgroup}/cpuacct/cpuacct.usage`));
  const total = microseconds === undefined ? (nanoseconds ?? Number.NaN) / 1e6 : microseconds / 1e3;
  if (Number.isNaN(total)) return undefined;
  const own = process.cpuUsage();
  return total - (own.user + own.system) / 1e3;
}

/** The most memory, in bytes, that this container has used so far: agent, runner and what the kernel caches for them. */
export async function containerPeakMemoryBytes(cgroup: string = CGROUP): Promise<number | undefined> {
  for (const file of ['memory.peak', 'memory/memory.max_usage_in_bytes']) {
    const bytes = numberOf(await textOf(`${cgroup}/${file}`));
    if (bytes !== undefined) return bytes;
  }
  return undefined;
}

/**
 * CPU time, in milliseconds, of all ended children of this process and of what those waited for; undefined where
 * there is no `/proc`.
 */
export async function childrenCpuMs(): Promise<number | undefined> {
  const stat = await textOf('/proc/self/stat');
  // The second field is the program's name in brackets and may hold spaces; `cutime` and `cstime` are fields 16 and 17.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields[13]), Number(fields[14])];
  return Number.isFinite(user + system) ? ((user + system) * 1000) / TICKS_PER_SECOND : undefined;
}

async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : undefined;
}
