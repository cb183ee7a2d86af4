import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WfloError } from '../errors.ts';
import type { LocalProcess } from './local-state.ts';
import { type ProcessTable, systemProcesses } from './process-identity.ts';
import { lastLines } from './run-command.ts';

export interface BackgroundProcess {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment: nothing of this process's own is passed on. */
  readonly env: { readonly [name: string]: string };
  /** The log of the run before is kept beside it, with `.previous`. */
  readonly logFile: string;
  /** Written before this function returns, so that the process is found even where the command that started it dies. */
  readonly pidFile: string;
}

/** Starts a process that outlives this one. */
export async function startInBackground(
  process: BackgroundProcess,
  processes: ProcessTable = systemProcesses,
): Promise<LocalProcess> {
  await mkdir(dirname(process.logFile), { recursive: true, mode: 0o700 });
  await mkdir(dirname(process.pidFile), { recursive: true, mode: 0o700 });
  await rename(process.logFile, `${process.logFile}.previous`).catch(() => undefined);
  const log = await open(process.logFile, 'a', 0o600);
  try {
    const child = spawn(process.file, process.args, {
      cwd: process.cwd,
      env: process.env,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(child.pid ?? 0));
    });
    child.unref();
    const record: LocalProcess = {
      pid,
      // A process that has ended already is found dead by whoever waits for it.
      startedIdentity: processes.identity(pid) ?? 'ended',
      startedAt: new Date().toISOString(),
      logFile: process.logFile,
    };
    await writeFile(process.pidFile, `${JSON.stringify(record)}\n`, { mode: 0o600 });
    return record;
  } catch (error) {
    throw new WfloError('local_setup_failed', `${process.file} could not be started: ${(error as Error).message}`, {
      fix: 'Run `wflo doctor`.',
      cause: error,
    });
  } finally {
    await log.close();
  }
}

/** What was started last; undefined where nothing was, or the file cannot be read. */
export async function readPidFile(pidFile: string): Promise<LocalProcess | undefined> {
  try {
    const value = JSON.parse(await readFile(pidFile, 'utf8')) as Partial<LocalProcess>;
    const { pid, startedIdentity, startedAt, logFile } = value;
    if (typeof pid !== 'number' || typeof startedIdentity !== 'string') return undefined;
    return { pid, startedIdentity, startedAt: startedAt ?? '', logFile: logFile ?? '' };
  } catch {
    return undefined;
  }
}

export async function removePidFile(pidFile: string): Promise<void> {
  await rm(pidFile, { force: true });
}

/** Of a line of a log in an error: the log has the rest, and says so often in JSON of a thousand characters. */
const SHOWN_CHARACTERS = 160;

/** The end of a log, long lines cut; empty where there is none. */
export async function lastLogLines(logFile: string, count = 5): Promise<readonly string[]> {
  try {
    const lines = lastLines(await readFile(logFile, 'utf8'), count);
    return lines.map((line) => (line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line));
  } catch {
    return [];
  }
}
