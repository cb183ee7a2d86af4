import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { ExecutionView } from '../../lib/client/api.ts';
import { projectDir } from './local-aws.ts';

const bin = resolve(import.meta.dirname, '../../bin/wflo.mjs');

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the CLI as a user would, in the project of the end-to-end tests, without any AWS setting of this machine. */
export function wflo(...args: string[]): Promise<CommandResult> {
  const { PATH = '', HOME = '' } = process.env;
  return new Promise((resolveRun, reject) => {
    const child = spawn(process.execPath, [bin, ...args], { cwd: projectDir, env: { PATH, HOME, NO_COLOR: '1' } });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      resolveRun({ code: code ?? -1, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
  });
}

/** `wflo … --local --json`, parsed. Fails on anything that is not one JSON document. */
export async function wfloJson<T>(...args: string[]): Promise<T> {
  const { stdout, stderr } = await wflo(...args, '--local', '--json');
  try {
    return JSON.parse(stdout) as T;
  } catch {
    throw new Error(`wflo ${args.join(' ')} printed no JSON\nstdout: ${stdout}\nstderr: ${stderr}`);
  }
}

/** Runs a workflow to its end and returns its status. */
export function runToEnd(workflow: string, input: unknown): Promise<ExecutionView> {
  return wfloJson<ExecutionView>('run', workflow, '--input', JSON.stringify(input), '--wait');
}

/** Repeats a look until it shows what is waited for; fails loudly with the last look after the time. */
export async function eventually<T>(
  look: () => Promise<T>,
  holds: (seen: T) => boolean,
  what: string,
  seconds = 30,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > deadline) throw new Error(`${what}: not seen within ${seconds} s; last: ${JSON.stringify(seen)}`);
    await new Promise((next) => setTimeout(next, 100));
  }
}
