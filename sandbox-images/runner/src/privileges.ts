import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import type { Tool, Tools } from './tools.ts';

const execute = promisify(execFile);

/** Open files of each process: enough for a build, and bounds what one process ties up in the kernel. */
export const OPEN_FILES_LIMIT = 4096;
/** The largest file that a process may write, 10 GiB: half of the smallest disk of a sandbox stays free of one file. */
export const FILE_SIZE_LIMIT_BYTES = 10 * 1024 ** 3;
/** Seconds of CPU beyond what all processors can give within the time limit: only what outlives the limit meets it. */
const SPARE_CPU_SECONDS = 60;
/** From SIGXCPU, which says what happened, to SIGKILL. */
const CPU_GRACE_SECONDS = 5;
/** The kernel takes the agent, never the runner, where memory runs out: somebody must report it. */
const OOM_SCORE_ADJUSTMENT = 1000;
/** Of one run of the tools without an agent. */
const TRIAL_MS = 10_000;

/** Read by the loader and the C library of every program: must not reach a program that is still root. */
const LOADER_VARIABLES = /^(LD_|GLIBC_|MALLOC_|GCONV_PATH$|GETCONF_DIR$|LOCPATH$|NLSPATH$|TZDIR$|HOSTALIASES$|RES)/;

/** The agent cannot be confined as it must be: it is not started. */
export class NotConfined extends Error {}

export interface Confinement {
  readonly tools: Tools;
  /** User and group that a root runner turns the agent into; undefined: the agent is of the runner's own user. */
  readonly uid?: number;
  readonly timeoutSeconds: number;
}

export interface ConfinedCommand {
  readonly words: readonly string[];
  readonly env: Record<string, string>;
  /** The program that starts the agent; undefined where nothing stands before it. */
  readonly startedBy?: Tool;
}

/**
 * The command line that takes everything from the agent that it does not need, and then becomes the agent: same
 * process, no shell. Throws `NotConfined` where a runner that is root lacks a tool, or where the tools fail when they
 * are tried without the agent, so that a failure after this is the agent's own.
 */
export async function confine(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  confinement: Confinement,
): Promise<ConfinedCommand> {
  const { tools, uid } = confinement;
  const hardLimits = await hardLimitsOf('/proc/self/limits');
  const before: string[] = [];
  let startedBy: Tool | undefined;
  const add = (tool: Tool, options: readonly string[]): void => {
    const start = tools[tool];
    if (start === undefined) {
      if (uid === undefined) return;
      throw new NotConfined(`the agent cannot be confined: this image has no "${tool}"`);
    }
    before.push(...start, ...options);
    startedBy = tool;
  };
  // In a container the runner shares its processors with the agent alone: a thousand processes of a fork bomb must not
  // keep it from ending them. An agent may not leave this class again (RLIMIT_NICE is 0).
  if (uid !== undefined) add('chrt', ['--idle', '0']);
  add('choom', ['-n', String(OOM_SCORE_ADJUSTMENT), '--']);
  add('prlimit', [...limitOptions(confinement.timeoutSeconds, hardLimits), '--']);
  add('setpriv', uid === undefined ? ['--no-new-privs', '--'] : [...becomeUser(uid), '--no-new-privs', '--']);
  if (before.length === 0) return { words: command, env: { ...env } };

  const harmless = (name: string): boolean => uid === undefined || !LOADER_VARIABLES.test(name);
  const atOnce = Object.fromEntries(Object.entries(env).filter(([name]) => harmless(name)));
  await tryOut(before, tools.choom ?? tools.prlimit ?? tools.setpriv ?? []);
  const late = Object.entries(env).filter(([name]) => !harmless(name));
  if (late.length > 0) add('env', ['--', ...late.map(([name, value]) => `${name}=${value}`)]);
  return { words: [...before, ...command], env: atOnce, ...(startedBy === undefined ? {} : { startedBy }) };
}

function becomeUser(uid: number): string[] {
  return [
    `--reuid=${uid}`,
    `--regid=${uid}`,
    '--clear-groups',
    '--bounding-set=-all',
    '--inh-caps=-all',
    '--ambient-caps=-all',
  ];
}

/**
 * Not the number of processes: the kernel counts it per user and not per container, so it is a limit of the task
 * definition.
 */
function limitOptions(timeoutSeconds: number, hard: ReadonlyMap<string, number>): string[] {
  const cpu = Math.ceil(timeoutSeconds * availableParallelism()) + SPARE_CPU_SECONDS;
  const lowered = (name: string, wanted: number): number =>
    Math.min(wanted, hard.get(name) ?? Number.POSITIVE_INFINITY);
  return [
    `--nofile=${lowered('Max open files', OPEN_FILES_LIMIT)}`,
    `--fsize=${lowered('Max file size', FILE_SIZE_LIMIT_BYTES)}`,
    // A core file would hold the agent's memory, in a folder that may be carried to another step.
    '--core=0',
    `--cpu=${lowered('Max cpu time', cpu)}:${lowered('Max cpu time', cpu + CPU_GRACE_SECONDS)}`,
  ];
}

/** Nobody may raise a hard limit without a privilege, so what is lower already stays. Empty where `/proc` is not. */
async function hardLimitsOf(file: string): Promise<ReadonlyMap<string, number>> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const limits = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^(Max [a-z ]+?)\s{2,}(?:\d+|unlimited)\s+(\d+)\s/.exec(line);
    if (match?.[1] !== undefined) limits.set(match[1], Number(match[2]));
  }
  return limits;
}

async function tryOut(before: readonly string[], harmless: readonly string[]): Promise<void> {
  const [file = '', ...parameters] = [...before, ...harmless, '--version'];
  try {
    await execute(file, parameters, { cwd: '/', env: {}, timeout: TRIAL_MS, killSignal: 'SIGKILL' });
  } catch (error) {
    const told = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    const reason = told || (error instanceof Error ? error.message : String(error));
    throw new NotConfined(`the agent cannot be confined: ${reason.slice(0, 500)}`);
  }
}
