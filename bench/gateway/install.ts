import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { environmentOfPip, findPython } from '../../lib/local-cloud/python.ts';
import { runCommand } from '../../lib/local-cloud/run-command.ts';
import { root } from '../timed-command.ts';

const FOLDER = join(root, 'build', 'bench-gateway');
const PYTHON_PACKAGES = ['litellm[proxy]==1.108.7'];
const NODE_PACKAGES = ['@portkey-ai/gateway@1.15.2', 'autocannon@8.0.0'];
/** Written last, so that an installation that was cut off is done again. */
const STAMP = join(FOLDER, 'installed.json');

export interface Installed {
  /** Where processes may write. */
  readonly folder: string;
  readonly litellm: string;
  readonly portkey: string;
  /** The module of autocannon, to be imported. */
  readonly autocannon: string;
}

/** What is compared with, and what makes the load: in a folder of their own, so that nothing of them is in the project. */
export async function installCompared(): Promise<Installed> {
  const wanted = JSON.stringify([PYTHON_PACKAGES, NODE_PACKAGES]);
  if ((await readFile(STAMP, 'utf8').catch(() => '')) !== wanted) {
    await rm(FOLDER, { recursive: true, force: true });
    await mkdir(join(FOLDER, 'node'), { recursive: true });
    await Promise.all([installPython(), installNode()]);
    await writeFile(STAMP, wanted);
  }
  const require = createRequire(join(FOLDER, 'node', 'package.json'));
  return {
    folder: FOLDER,
    litellm: join(FOLDER, 'python', 'bin', 'litellm'),
    portkey: join(FOLDER, 'node', 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js'),
    autocannon: require.resolve('autocannon'),
  };
}

async function installPython(): Promise<void> {
  const env = environmentOfPip(process.env);
  const venv = join(FOLDER, 'python');
  const { executable } = await findPython(env);
  await succeeds(executable, ['-m', 'venv', venv], env);
  await succeeds(join(venv, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', ...PYTHON_PACKAGES], env);
}

async function installNode(): Promise<void> {
  const folder = join(FOLDER, 'node');
  // Else npm would look for the package above it, and find ours.
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--save-exact'];
  await succeeds('npm', ['install', '--prefix', folder, ...quiet, ...NODE_PACKAGES], process.env);
}

async function succeeds(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { exitCode, output } = await runCommand(file, args, { env, cwd: FOLDER });
  if (exitCode !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${exitCode}\n${output}`);
}
