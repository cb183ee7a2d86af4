import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Where facts about processes come from; replaced in tests. */
export interface ProcessTable {
  /** Undefined where no such process lives. Equal only for one and the same process. */
  identity(pid: number): string | undefined;
  signal(pid: number, signal: NodeJS.Signals): void;
}

/**
 * A pid alone may by now belong to somebody else, so a process is known by pid and start time: from /proc (together
 * with the boot, since start times count from it), or from ps where there is no /proc.
 */
export const systemProcesses: ProcessTable = {
  identity(pid) {
    return process.platform === 'linux' ? identityFromProc(pid) : identityFromPs(pid);
  },
  signal(pid, signal) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  },
};

function identityFromProc(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return identityFromStat(stat, boot);
}

/** `stat` is the text of /proc/<pid>/stat (proc(5)): the state is field 3, the start time field 22. */
export function identityFromStat(stat: string, boot: string): string | undefined {
  // The name, field 2, may hold spaces and parentheses: fields are counted from its last parenthesis.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(' ');
  const state = fields[0];
  const startTicks = fields[19];
  // A zombie has ended; only its parent has not looked yet.
  if (state === undefined || startTicks === undefined || state === 'Z' || state === 'X') return undefined;
  return `${boot}:${startTicks}`;
}

function identityFromPs(pid: number): string | undefined {
  try {
    const started = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    if (started === '' || started.startsWith('Z')) return undefined;
    return started.replace(/^\S+\s+/, '');
  } catch {
    return undefined;
  }
}

export interface KnownProcess {
  readonly pid: number;
  readonly startedIdentity: string;
}

export function isAlive(known: KnownProcess, processes: ProcessTable = systemProcesses): boolean {
  return processes.identity(known.pid) === known.startedIdentity;
}

/** Asks a process to end, and kills it after `graceMs`. Never touches a process that only has the same pid. */
export async function stopProcess(
  known: KnownProcess,
  graceMs: number,
  processes: ProcessTable = systemProcesses,
): Promise<'stopped' | 'killed' | 'not_running'> {
  if (!isAlive(known, processes)) return 'not_running';
  processes.signal(known.pid, 'SIGTERM');
  if (await hasEnded(known, graceMs, processes)) return 'stopped';
  processes.signal(known.pid, 'SIGKILL');
  await hasEnded(known, 5_000, processes);
  return 'killed';
}

async function hasEnded(known: KnownProcess, withinMs: number, processes: ProcessTable): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (isAlive(known, processes)) {
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return true;
}
