import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { QUIET_CDK_ENV } from '../../lib/local-cloud/cdk.ts';

export const root = resolve(import.meta.dirname, '../..');

const env = { ...process.env, ...QUIET_CDK_ENV, PIP_DISABLE_PIP_VERSION_CHECK: '1' };

/** Runs a program of the checkout to its end; ends this process with its exit code where that is not 0. */
export function runTool(program: string, args: readonly string[]): void {
  const { status } = spawnSync(program, args, { cwd: root, stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}

/** The same for a program whose stdout is its answer. */
export function answerOfTool(
  program: string,
  args: readonly string[],
  { cwd, settings }: { readonly cwd: string; readonly settings: NodeJS.ProcessEnv },
): string {
  const { status, stdout } = spawnSync(program, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...env, ...settings },
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (status !== 0) {
    process.stderr.write(stdout);
    process.exit(status ?? 1);
  }
  return stdout;
}
