import { createHash } from 'node:crypto';
import { access, constants, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WfloError } from '../errors.ts';
import { localPaths } from './paths.ts';
import { inPhase, type Report } from './progress.ts';
import { lastLines, type RunCommand, runCommand } from './run-command.ts';
import { isOnPath } from './search-path.ts';

/** What the pinned emulator needs. */
const MINIMUM = [3, 10] as const;
const NAMES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'] as const;
const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url));
/** Written last, so that an installation that was cut off is done again. */
const STAMP = 'wflo-requirements.sha256';

const PROBE = `
import json, sys
def has(name):
    try:
        __import__(name)
        return True
    except Exception:
        return False
print(json.dumps({"version": list(sys.version_info[:3]), "executable": sys.executable, "venv": has("venv") and has("ensurepip")}))
`;

/** What one name on the PATH turned out to be. */
export type PythonCandidate =
  | { readonly name: string; readonly found: false }
  | {
      readonly name: string;
      readonly found: true;
      readonly version: readonly number[];
      readonly venv: boolean;
      readonly executable: string;
    };

export interface Python {
  readonly executable: string;
  /** Such as `3.12.4`. */
  readonly version: string;
}

/** Tries the usual names on the PATH, until one fits. Throws `python_missing`, and says what was found instead. */
export async function findPython(env: NodeJS.ProcessEnv, run: RunCommand = runCommand): Promise<Python> {
  const candidates: PythonCandidate[] = [];
  for (const name of NAMES) {
    if (!(await isOnPath(name, env.PATH ?? ''))) continue;
    const candidate = await probe(name, env, run);
    if (candidate.found && isNewEnough(candidate.version) && candidate.venv)
      return { executable: candidate.executable, version: candidate.version.join('.') };
    candidates.push(candidate);
  }
  throw pythonMissing(candidates);
}

async function probe(name: string, env: NodeJS.ProcessEnv, run: RunCommand): Promise<PythonCandidate> {
  // -I: neither the user's packages nor PYTHON* variables change what is found.
  const result = await run(name, ['-I', '-c', PROBE], { env, timeoutMs: 20_000 });
  if (result.exitCode !== 0) return readVersion(name, env, run);
  try {
    const value = JSON.parse(result.output.trim()) as { version: number[]; executable: string; venv: boolean };
    return { name, found: true, version: value.version, venv: value.venv, executable: value.executable };
  } catch {
    return { name, found: false };
  }
}

/** Python 2 and other strangers do not run the probe, but tell their version. */
async function readVersion(name: string, env: NodeJS.ProcessEnv, run: RunCommand): Promise<PythonCandidate> {
  const result = await run(name, ['--version'], { env, timeoutMs: 20_000 });
  const match = /Python (\d+)\.(\d+)\.(\d+)/.exec(result.output);
  if (result.exitCode !== 0 || match === null) return { name, found: false };
  return { name, found: true, version: match.slice(1, 4).map(Number), venv: false, executable: name };
}

function isNewEnough(version: readonly number[]): boolean {
  const [major = 0, minor = 0] = version;
  return major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]);
}

/** Says which of the three it is: none at all, none new enough, or one that cannot make a venv. */
export function pythonMissing(candidates: readonly PythonCandidate[]): WfloError {
  const found = candidates.filter((candidate) => candidate.found);
  const wanted = `Python ${MINIMUM.join('.')} or newer`;
  const details = { found: found.map(({ name, version, venv }) => ({ name, version: version.join('.'), venv })) };
  const withoutVenv = found.find((candidate) => isNewEnough(candidate.version));
  if (withoutVenv !== undefined) {
    const [major, minor] = withoutVenv.version;
    return new WfloError(
      'python_missing',
      `Python ${withoutVenv.version.join('.')} (${withoutVenv.name}) lacks the venv module, which the local AWS is installed with`,
      {
        fix: `Install it (Debian and Ubuntu: \`apt install python${major}.${minor}-venv\`), then repeat the command.`,
        details,
      },
    );
  }
  if (found.length > 0) {
    const listed = found.map((candidate) => `${candidate.name} is ${candidate.version.join('.')}`).join(', ');
    return new WfloError('python_missing', `the local AWS needs ${wanted}; on the PATH ${listed}`, {
      fix: `Install ${wanted} and put it on the PATH, then repeat the command.`,
      details,
    });
  }
  return new WfloError('python_missing', `the local AWS needs ${wanted}; none is on the PATH`, {
    fix: `Install ${wanted} with its venv module (Debian and Ubuntu: \`apt install python3 python3-venv\`; macOS: \`brew install python\`), then repeat the command.`,
    details,
  });
}

export interface InstalledEmulator {
  /** The interpreter of the venv. */
  readonly python: string;
  readonly version: string;
}

/** Makes the venv and installs the pinned emulator, unless exactly these requirements are installed already. */
export async function installEmulator(
  projectDir: string,
  env: NodeJS.ProcessEnv,
  report: Report,
  run: RunCommand = runCommand,
): Promise<InstalledEmulator> {
  const { venv } = localPaths(projectDir);
  const python = join(venv, 'bin', 'python');
  const requirements = await readFile(REQUIREMENTS, 'utf8');
  const version = emulatorVersion(requirements);
  const hash = createHash('sha256').update(requirements).digest('hex');
  if (await isInstalled(venv, python, hash)) return { python, version };

  const base = await inPhase(
    report,
    'python',
    'Looking for Python',
    () => findPython(env, run),
    (found) => `Found Python ${found.version}`,
  );
  await inPhase(report, 'install', `Installing the AWS emulator (ministack ${version})`, async () => {
    const installEnv = environmentOfPip(env);
    await rm(venv, { recursive: true, force: true });
    await mkdir(localPaths(projectDir).root, { recursive: true, mode: 0o700 });
    await orFail(run(base.executable, ['-m', 'venv', venv], { env: installEnv }), 'the venv could not be made');
    await orFail(
      run(python, ['-m', 'pip', 'install', '--quiet', '--no-input', '--no-deps', '-r', REQUIREMENTS], {
        env: installEnv,
      }),
      'pip could not install the emulator',
    );
    await writeFile(join(venv, STAMP), `${hash}\n`);
  });
  return { python, version };
}

async function isInstalled(venv: string, python: string, hash: string): Promise<boolean> {
  try {
    // Follows the link: a venv whose Python was removed or replaced is not installed.
    await access(python, constants.X_OK);
    return (await readFile(join(venv, STAMP), 'utf8')).trim() === hash;
  } catch {
    return false;
  }
}

export function emulatorVersion(requirements: string): string {
  return /^ministack==(\S+)/m.exec(requirements)?.[1] ?? 'unknown';
}

/** The version that `local up` installs. */
export async function pinnedEmulatorVersion(): Promise<string> {
  return emulatorVersion(await readFile(REQUIREMENTS, 'utf8'));
}

/**
 * pip keeps the user's own settings (mirror, proxy, certificates). What would install elsewhere than into the venv is
 * taken out.
 */
export function environmentOfPip(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const {
    PYTHONHOME: _home,
    PYTHONPATH: _path,
    PIP_TARGET: _target,
    PIP_PREFIX: _prefix,
    PIP_REQUIREMENT: _requirement,
    PIP_CONSTRAINT: _constraint,
    PIP_REQUIRE_VIRTUALENV: _require,
    __PYVENV_LAUNCHER__: _launcher,
    ...rest
  } = env;
  return { ...rest, PIP_USER: '0', PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_NO_INPUT: '1' };
}

async function orFail(running: ReturnType<RunCommand>, what: string): Promise<void> {
  const result = await running;
  if (result.exitCode === 0) return;
  const lines = lastLines(result.output, 6);
  throw new WfloError('local_setup_failed', `${what}:\n${lines.join('\n')}`, {
    fix: 'Check that this machine can reach the Python package index that pip is set to use, then repeat the command.',
    details: { lines },
  });
}
