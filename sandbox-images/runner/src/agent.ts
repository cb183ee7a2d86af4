import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exit } from '../../../lib/sandbox/exit.ts';
import { exitOf, exitOfSpawnError } from './agent-exit.ts';
import { childrenCpuMs, outOfMemoryKills } from './kernel-counters.ts';
import { killAllOthers, killStrayProcesses } from './stray-processes.ts';
import type { Timings } from './timings.ts';

export interface AgentOptions {
  readonly command: readonly string[];
  readonly env: Record<string, string>;
  readonly cwd: string;
  readonly timeoutSeconds: number;
  /** User and group of the agent; undefined: the runner's own. */
  readonly uid?: number;
  /** Text in the environment of everything that the agent starts. */
  readonly marker: string;
  readonly timings: Timings;
  onOutput(stream: 'stdout' | 'stderr', chunk: Buffer): void;
}

export interface AgentResult {
  readonly exit: Exit;
  readonly wallMs: number;
  readonly cpuMs?: number;
}

export interface Agent {
  /** Settles when nothing of the agent runs any more. Never rejects for what the agent did. */
  readonly ended: Promise<AgentResult>;
  /** SIGTERM, and SIGKILL after the grace time. The first reason is the one that is reported. */
  stop(reason: string): void;
}

/** Starts the agent without a shell, in its own process group, with no input. */
export function startAgent(options: AgentOptions): Agent {
  const stopping = new AbortController();
  return {
    ended: run(options, stopping.signal),
    stop: (reason) => stopping.abort(reason),
  };
}

async function run(options: AgentOptions, stopping: AbortSignal): Promise<AgentResult> {
  const [killsBefore, cpuBefore] = [await outOfMemoryKills(), await childrenCpuMs()];
  // Told to stop while the work was fetched: whoever lost the right to act must not begin.
  if (stopping.aborted) {
    const stopped = String(stopping.reason);
    return { exit: exitOf({ code: null, signal: null, stopped, outOfMemory: false }), wallMs: 0 };
  }
  const startedAt = performance.now();
  const [command = '', ...parameters] = options.command;
  const child = await started(command, parameters, options).catch((error: unknown) => exitOfSpawnError(command, error));
  if ('reason' in child) return { exit: child, wallMs: 0 };

  const timeLimit = new AbortController();
  const timer = setTimeout(() => timeLimit.abort(), Math.min(options.timeoutSeconds * 1000, 2 ** 31 - 1));
  const forceTimers: NodeJS.Timeout[] = [];
  const terminate = (): void => {
    killGroup(child, 'SIGTERM');
    forceTimers.push(setTimeout(() => killGroup(child, 'SIGKILL'), options.timings.killGraceMs));
  };
  timeLimit.signal.addEventListener('abort', terminate, { once: true });
  if (stopping.aborted) terminate();
  else stopping.addEventListener('abort', terminate, { once: true });

  const { code, signal } = await exited(child);
  const [timedOut, stopped] = [timeLimit.signal.aborted, stopping.aborted ? String(stopping.reason) : undefined];
  clearTimeout(timer);
  for (const force of forceTimers) clearTimeout(force);
  stopping.removeEventListener('abort', terminate);
  killGroup(child, 'SIGKILL');
  if (process.pid === 1) killAllOthers();
  else await killStrayProcesses(options.marker);
  const wallMs = Math.round(performance.now() - startedAt);
  await drained(child, options.timings.drainMs);

  const cpuAfter = await childrenCpuMs();
  return {
    exit: exitOf({
      code,
      signal,
      ...(timedOut ? { timedOutAfter: options.timeoutSeconds } : {}),
      ...(stopped === undefined ? {} : { stopped }),
      outOfMemory: (await outOfMemoryKills()) > killsBefore,
    }),
    wallMs,
    ...(cpuBefore === undefined || cpuAfter === undefined ? {} : { cpuMs: Math.round(cpuAfter - cpuBefore) }),
  };
}

function started(command: string, parameters: string[], options: AgentOptions): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      shell: false,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    });
    child.stdout?.on('data', (chunk: Buffer) => options.onOutput('stdout', chunk));
    child.stderr?.on('data', (chunk: Buffer) => options.onOutput('stderr', chunk));
    child.once('spawn', () => resolve(child));
    child.once('error', reject);
  });
}

function exited(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve({ code: child.exitCode, signal: child.signalCode });
    } else child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

/** Waits for the end of both pipes; what holds one open after that is not listened to. */
async function drained(child: ChildProcess, withinMs: number): Promise<void> {
  const ends = [child.stdout, child.stderr].map(
    (stream) => stream === null || stream.closed || new Promise((resolve) => stream.once('close', resolve)),
  );
  const late = new AbortController();
  await Promise.race([Promise.all(ends), sleep(withinMs, undefined, { signal: late.signal }).catch(() => undefined)]);
  late.abort();
  child.stdout?.destroy();
  child.stderr?.destroy();
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has ended.
  }
}
