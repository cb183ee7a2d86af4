import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The kernel may take a while to end a process that waits for a disk. */
const END_WITHIN_MS = 10_000;
const PAUSE_MS = 10;
/** An init that starts one program gives it one of the first numbers. */
const FIRST_PIDS = 64;

/** What is looked at to decide; tests replace it. */
export interface ProcessView {
  readonly pid: number;
  readonly ppid: number;
  /** Where `/proc/self` points. */
  readonly self: string;
  /** All processes that `/proc` shows. */
  readonly visible: readonly number[];
}

/**
 * Whether all processes but the first belong to this runner: a container of its own, where it is the first process
 * or the child of an init. Only then may it kill everything it can reach, so every doubt means no.
 */
export function ownsPidNamespace(view: ProcessView | undefined = currentView()): boolean {
  if (view === undefined || view.self !== String(view.pid)) return false;
  const first = view.pid === 1 || (view.ppid === 1 && view.pid <= FIRST_PIDS);
  const expected = new Set([1, view.pid]);
  return first && view.visible.length === expected.size && view.visible.every((pid) => expected.has(pid));
}

function currentView(): ProcessView | undefined {
  try {
    return { pid: process.pid, ppid: process.ppid, self: readlinkSync('/proc/self'), visible: pids() };
  } catch {
    return undefined;
  }
}

/** Decided when this module is loaded, before the runner has started anything. */
const OWNED = ownsPidNamespace();

export function isNamespaceOwned(): boolean {
  return OWNED;
}

/**
 * Kills every process but the first and this one, until none is left; one that has ended and was not waited for is
 * none. Needs no right to look into other users' processes. False: something still runs. Throws where the namespace
 * is not this runner's own.
 */
export async function killNamespace(withinMs: number = END_WITHIN_MS): Promise<boolean> {
  if (!OWNED) throw new Error('other processes than those of this sandbox are within reach');
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      // Reaches all processes at once: one that forks meanwhile is killed before its child exists.
      process.kill(-1, 'SIGKILL');
    } catch {
      // There is none.
    }
    if (!pids().some((pid) => pid !== 1 && pid !== process.pid && isAlive(pid))) return true;
    if (performance.now() > deadline) return false;
    await sleep(PAUSE_MS);
  }
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number);
}

/** Zombies (`Z`) and processes in their last instant (`X`) run no code any more. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZXx]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
