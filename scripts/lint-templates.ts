/**
 * Synthesises the app in both network modes and runs cfn-lint on every template. cfn-lint is installed once into a
 * Python environment of its own below `build/`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sha256 } from '../lib/json.ts';
import { cdkCommand, QUIET_CDK_ENV } from '../lib/local-cloud/cdk.ts';
import { findPython } from '../lib/local-cloud/python.ts';

const root = resolve(import.meta.dirname, '..');
const requirements = join(import.meta.dirname, 'cfn-lint-requirements.txt');
const venv = join(root, 'build', 'cfn-lint');
/** Written last, so that an installation that was cut off is done again. */
const stamp = join(venv, 'requirements.sha256');

/** Named images: Docker is not needed to look at a template. */
const MODES = {
  private: ['-c', 'wflo:network=private'],
  open: ['-c', 'wflo:network=open', '-c', 'wflo:images=named'],
  'private, another stage': [
    '-c',
    'wflo:stage=prod',
    '-c',
    'wflo:architecture=ARM64',
    '-c',
    'wflo:availability-zones=1',
  ],
};

/** W3005: CDK writes a dependency on a whole construct, of which a reference already implies a part. */
const IGNORED = ['W3005'];

function run(program: string, args: readonly string[]): void {
  const { status } = spawnSync(program, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...QUIET_CDK_ENV, PIP_DISABLE_PIP_VERSION_CHECK: '1' },
  });
  if (status !== 0) process.exit(status ?? 1);
}

async function install(): Promise<string> {
  const wanted = sha256(readFileSync(requirements));
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    rmSync(venv, { recursive: true, force: true });
    mkdirSync(join(root, 'build'), { recursive: true });
    const python = await findPython(process.env);
    run(python.executable, ['-m', 'venv', venv]);
    run(join(venv, 'bin', 'pip'), ['install', '--quiet', '--no-deps', '--requirement', requirements]);
    writeFileSync(stamp, wanted);
  }
  return join(venv, 'bin', 'cfn-lint');
}

const cfnLint = await install();
for (const [mode, context] of Object.entries(MODES)) {
  const output = join(root, 'build', 'templates', mode.replaceAll(/\W+/g, '-'));
  run(process.execPath, [cdkCommand(), 'synth', '--quiet', '--output', output, ...context]);
  const templates = readdirSync(output).filter((file) => file.endsWith('.template.json'));
  run(cfnLint, ['--ignore-checks', ...IGNORED, '--', ...templates.map((file) => join(output, file))]);
  console.log(`cfn-lint: ${templates.length} templates without findings (${mode})`);
}
