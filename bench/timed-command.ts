import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');

/** Runs a command in the checkout and gives its wall time in seconds. Throws with its output when it fails. */
export function timedCommand(program: string, ...args: string[]): Promise<number> {
  const began = performance.now();
  return new Promise((done, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) done((performance.now() - began) / 1000);
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code}\n${Buffer.concat(output).toString()}`));
    });
  });
}
