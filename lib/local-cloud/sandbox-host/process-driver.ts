import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { buildRunner } from '../../../sandbox-images/runner/build.ts';
import { killStrayProcesses } from '../../../sandbox-images/runner/src/stray-processes.ts';
import { describeProcessIsolation } from './describe-isolation.ts';
import type { HostLog } from './host-log.ts';
import { startMetadataServer } from './metadata-server.ts';
import { resourceLimits } from './resource-limits.ts';
import type { RunningSandbox, SandboxDriver, SandboxEnd, SandboxTask } from './sandbox-driver.ts';
import { makeSearchPath } from './search-path.ts';

export interface ProcessDriverOptions {
  /** Bundle, commands and the folders of tasks. */
  readonly workFolder: string;
  /** PEM file that the runner must trust. */
  readonly caFile: string;
  /** Where a Python is looked for. */
  readonly env: NodeJS.ProcessEnv;
  readonly log: HostLog;
  /** From SIGTERM of the runner to the end of everything; longer than the runner's own grace time for its agent. */
  readonly graceMs?: number;
}

const GRACE_MS = 10_000;
/** Of what a runner writes about itself. */
const TOLD_CHARACTERS = 2_000;

/** Runs the bundled runner as a process of this machine, in a folder of its own. Makes all that it needs first. */
export async function processDriver(options: ProcessDriverOptions): Promise<SandboxDriver> {
  const { workFolder, log, graceMs = GRACE_MS } = options;
  const bundle = join(workFolder, 'runner.mjs');
  const tasksFolder = join(workFolder, 'tasks');
  await mkdir(tasksFolder, { recursive: true, mode: 0o700 });
  await buildRunner(bundle);
  const searchPath = await makeSearchPath(join(workFolder, 'bin'), options.env);
  const limits = await resourceLimits();
  const metadata = await startMetadataServer();
  const rootOf = (taskId: string): string => join(tasksFolder, taskId);

  return {
    isolation: describeProcessIsolation({ limits: limits.length > 0, ownPids: false }),

    async start(task) {
      const root = rootOf(task.taskId);
      await mkdir(root, { recursive: true, mode: 0o700 });
      const [file = process.execPath, ...parameters] = [...limits, process.execPath, bundle];
      const child = spawn(file, parameters, {
        cwd: root,
        env: runnerEnvironment(task, {
          PATH: searchPath,
          HOME: root,
          WFLO_ROOT: root,
          NODE_EXTRA_CA_CERTS: options.caFile,
          ECS_CONTAINER_METADATA_URI_V4: metadata.add(task),
        }),
        detached: true,
        shell: false,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      return watch(child, root, graceMs, (text) => log('runner', { taskId: task.taskId, text }));
    },

    leftovers: () => readdir(tasksFolder),

    async discard(taskId) {
      metadata.remove(taskId);
      await killStrayProcesses(rootOf(taskId));
      await rm(rootOf(taskId), { recursive: true, force: true, maxRetries: 5 });
    },

    close: () => metadata.close(),
  };
}

/** What the task says, then what this machine has to say; nothing of the host's own environment. */
function runnerEnvironment(task: SandboxTask, own: { readonly [name: string]: string }): Record<string, string> {
  // The folders of tasks belong to the user of the host, so another user could not run there.
  const { WFLO_AGENT_UID: _uid, ...environment } = task.environment;
  return { ...environment, LANG: 'C.UTF-8', ...own };
}

function watch(child: ChildProcess, root: string, graceMs: number, tell: (text: string) => void): RunningSandbox {
  let told = 0;
  child.stderr?.on('data', (chunk: Buffer) => {
    if (told >= TOLD_CHARACTERS) return;
    const text = chunk.toString().slice(0, TOLD_CHARACTERS - told);
    told += text.length;
    tell(text.trimEnd());
  });
  let force: NodeJS.Timeout | undefined;
  const ended = new Promise<SandboxEnd>((resolve) => {
    child.once('exit', (code, signal) => {
      clearTimeout(force);
      // The runner has no child in its own group but what it lost; its agent has a group of its own.
      kill(child, 'SIGKILL');
      const end: SandboxEnd =
        signal === null
          ? { code: code ?? 0, detail: `the runner ended with code ${code}` }
          : { code: 128 + constants.signals[signal], detail: `the runner was killed by ${signal}` };
      killStrayProcesses(root)
        .catch(() => undefined)
        .then(() => resolve(end));
    });
  });
  return {
    ended,
    stop() {
      if (force !== undefined) return;
      kill(child, 'SIGTERM');
      force = setTimeout(() => kill(child, 'SIGKILL'), graceMs);
    },
  };
}

function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has ended.
  }
}
