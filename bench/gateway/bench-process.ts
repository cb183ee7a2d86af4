import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { root } from '../timed-command.ts';

/** A process of the benchmark, whose output goes to a log file. */
export interface BenchProcess {
  readonly pid: number;
  /** Asks a process of ours; its answer is the answer of `answering`. */
  ask<T>(question: object): Promise<T>;
  /** Resident memory as the kernel counts it. */
  residentBytes(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a program, and waits until a request to this URL is answered. */
export async function startProgram(
  file: string,
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly env: NodeJS.ProcessEnv;
    readonly logFile: string;
    readonly readyUrl: string;
  },
): Promise<BenchProcess> {
  const child = started(file, args, options, false);
  const until = performance.now() + 120_000;
  while (!(await answers(options.readyUrl))) {
    if (child.exitCode !== null || performance.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`${file} did not start:\n${await readFile(options.logFile, 'utf8')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return processOf(child);
}

/**
 * Starts an entry of this folder as a Node process, bundled as deployed functions are. `ready`: what it said first, by
 * `answering`.
 */
export async function startEntry<Ready>(
  entry: string,
  config: object,
  logFile: string,
): Promise<{ readonly process: BenchProcess; readonly ready: Ready }> {
  const outfile = join(root, 'build', 'bench-gateway-entries', `${entry}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, `${entry}.ts`)],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  const env = { PATH: process.env.PATH, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
  const child = started(process.execPath, [outfile, JSON.stringify(config)], { cwd: root, env, logFile }, true);
  const ready = await new Promise<Ready>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { answer: Ready }).answer));
    child.once('exit', (code) => reject(new Error(`${entry} ended with ${code}: see ${logFile}`)));
  });
  return { process: processOf(child), ready };
}

function started(
  file: string,
  args: readonly string[],
  { cwd, env, logFile }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly logFile: string },
  ipc: boolean,
): ChildProcess {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'w');
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', log, log, ...(ipc ? (['ipc'] as const) : [])] });
  closeSync(log);
  child.on('error', () => undefined);
  // A benchmark that fails leaves nothing behind.
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return child;
}

function processOf(child: ChildProcess): BenchProcess {
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let questions = 0;
  return {
    pid: child.pid ?? 0,
    ask: (question) =>
      new Promise((resolve, reject) => {
        const id = ++questions;
        const take = (message: { id: number; answer: never; error?: string }) => {
          if (message.id !== id) return;
          child.off('message', take);
          if (message.error === undefined) resolve(message.answer);
          else reject(new Error(message.error));
        };
        child.on('message', take);
        child.send({ id, question });
      }),
    async residentBytes() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}
