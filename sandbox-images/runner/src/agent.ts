import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT_CODE_RUNNER_ERROR, type Exit } from '../../../lib/sandbox/exit.ts';
import { type AgentEnd, exitOf, exitOfFailedStart, exitOfSpawnError } from './agent-exit.ts';
import { faultOfCommand } from './find-command.ts';
import { childrenCpuMs, containerCpuMs, containerPeakMemoryBytes, outOfMemoryKills } from './kernel-counters.ts';
import { isNamespaceOwned, killNamespace } from './pid-namespace.ts';
import { type ConfinedCommand, confine } from './privileges.ts';
import { killStrayProcesses } from './stray-processes.ts';
import type { Timings } from './timings.ts';
import { findTools, type Tools } from './tools.ts';

/** Of the agent's first words on stderr: enough for what a program says that could not start it. */
const FIRST_WORDS_BYTES = 1024;

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
  /** Programs that confine the agent; undefined: those that the runner brings, or those of this machine. */
  readonly tools?: Tools;
  onOutput(stream: 'stdout' | 'stderr', chunk: Buffer): void;
}

export interface AgentResult {
  readonly exit: Exit;
  readonly wallMs: number;
  /** CPU time of all that the agent started. */
  readonly cpuMs?: number;
  /** Of the whole container. Unknown where the runner shares the machine. */
  readonly peakMemoryBytes?: number;
}

export interface Agent {
  /** Settles when nothing of the agent runs any more. Never rejects for what the agent did. */
  readonly ended: Promise<AgentResult>;
  /** SIGTERM, and SIGKILL after the grace time. The first reason is the one that is reported. */
  stop(reason: string): void;
}

/** Starts the agent confined, without a shell, in its own process group, with `/dev/null` as its input. */
export function startAgent(options: AgentOptions): Agent {
  const stopping = new AbortController();
  return {
    ended: run(options, stopping.signal),
    stop: (reason) => stopping.abort(reason),
  };
}

async function run(options: AgentOptions, stopping: AbortSignal): Promise<AgentResult> {
  const [killsBefore, cpuBefore] = [await outOfMemoryKills(), await cpuMs()];
  const [command = ''] = options.command;
  const fault = await faultOfCommand(command, options.env.PATH ?? '', options.cwd);
  if (fault !== undefined) return { exit: exitOfSpawnError(command, { code: fault }), wallMs: 0 };
  const confined = await confine(options.command, options.env, {
    ...options,
    tools: options.tools ?? findTools(),
  }).catch((error: unknown) => runnerError(error instanceof Error ? error.message : String(error)));
  // Told to stop while the work was fetched: whoever lost the right to act must not begin. What stopped the runner may
  // have ended the trial of the tools as well.
  if (stopping.aborted) {
    const stopped = String(stopping.reason);
    return { exit: exitOf({ code: null, signal: null, stopped, outOfMemory: false }), wallMs: 0 };
  }
  if ('reason' in confined) return { exit: confined, wallMs: 0 };
  const startedAt = performance.now();
  const firstWords: Buffer[] = [];
  const child = await started(confined, options, firstWords).catch((error: unknown) =>
    exitOfSpawnError(command, error),
  );
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
  const nothingLeft = isNamespaceOwned() ? await killNamespace() : await killStrayProcesses(options.marker);
  const wallMs = Math.round(performance.now() - startedAt);
  await drained(child, options.timings.drainMs);

  const end: AgentEnd = {
    code,
    signal,
    ...(timedOut ? { timedOutAfter: options.timeoutSeconds } : {}),
    ...(stopped === undefined ? {} : { stopped }),
    outOfMemory: (await outOfMemoryKills()) > killsBefore,
  };
  const said = Buffer.concat(firstWords).toString();
  const notStarted =
    confined.startedBy === undefined || timedOut || stopped !== undefined
      ? undefined
      : exitOfFailedStart(confined.startedBy, command, end, said);
  const cpuAfter = await cpuMs();
  const peakMemoryBytes = isNamespaceOwned() ? await containerPeakMemoryBytes() : undefined;
  return {
    exit: nothingLeft ? (notStarted ?? exitOf(end)) : runnerError('a process of the agent could not be ended'),
    wallMs,
    ...(cpuBefore === undefined || cpuAfter === undefined
      ? {}
      : { cpuMs: Math.max(0, Math.round(cpuAfter - cpuBefore)) }),
    ...(peakMemoryBytes === undefined ? {} : { peakMemoryBytes }),
  };
}

/** In a container of its own the kernel's count is exact; elsewhere it would be that of the machine. */
async function cpuMs(): Promise<number | undefined> {
  return (isNamespaceOwned() ? await containerCpuMs() : undefined) ?? childrenCpuMs();
}

function runnerError(message: string): Exit {
  return { reason: 'runner_error', code: EXIT_CODE_RUNNER_ERROR, message };
}

function started(confined: ConfinedCommand, options: AgentOptions, firstWords: Buffer[]): Promise<ChildProcess> {
  const [file = '', ...parameters] = confined.words;
  let heard = 0;
  return new Promise((resolve, reject) => {
    const child = spawn(file, parameters, {
      cwd: options.cwd,
      env: confined.env,
      detached: true,
      shell: false,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout?.on('data', (chunk: Buffer) => options.onOutput('stdout', chunk));
    child.stderr?.on('data', (chunk: Buffer) => {
      if (heard < FIRST_WORDS_BYTES) firstWords.push(Buffer.from(chunk.subarray(0, FIRST_WORDS_BYTES - heard)));
      heard += chunk.length;
      options.onOutput('stderr', chunk);
    });
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
