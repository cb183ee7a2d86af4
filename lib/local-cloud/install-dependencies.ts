import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { WfloError } from '../errors.ts';
import { sha256 } from '../json.ts';
import {
  dependenciesOf,
  REQUIREMENTS,
  SANDBOX_PYTHON,
  type SandboxArchitecture,
  VENDOR,
  VENDOR_STAMP,
  type VendorStamp,
} from '../project/dependencies.ts';
import { inPhase, type Report } from './progress.ts';
import { environmentOfPip, findPython } from './python.ts';
import { lastLines, type RunCommand, runCommand } from './run-command.ts';
import { projectContext } from './stage.ts';

const MACHINES: Readonly<Record<SandboxArchitecture, string>> = { X86_64: 'x86_64', ARM64: 'aarch64' };
/** The sandbox image is Debian with glibc 2.36. */
const MANYLINUX = ['manylinux_2_34', 'manylinux_2_28', 'manylinux2014'];
/** What pip writes about the installation itself. It differs by machine, and no program reads it. */
const OF_THE_INSTALLATION = /\.dist-info\/(RECORD|INSTALLER|REQUESTED|direct_url\.json)$/;
/** About one package: wheels of two interpreters may describe the same version in different words. */
const OF_THE_PACKAGE = /^([^/]+)-[^-/]+\.dist-info\//;

/**
 * Installs what the `requirements.txt` of code folders of `state-machines/` name into `vendor/` beside them: for the
 * Python of the sandbox image, and for that of this machine, which the local AWS may run agents with. What is
 * installed already stays, and needs no network. Throws `python_missing`, `local_setup_failed`, and `invalid_code` where
 * the two need different versions of one package. Returns the folders that were changed.
 */
export async function installDependencies(
  projectDir: string,
  env: NodeJS.ProcessEnv,
  report: Report,
  run: RunCommand = runCommand,
): Promise<readonly string[]> {
  const folders = await foldersWithRequirements(join(projectDir, 'state-machines'));
  if (folders.length === 0) return [];
  const given = await projectContext(projectDir, 'wflo:architecture');
  const architecture: SandboxArchitecture = given === 'ARM64' ? 'ARM64' : 'X86_64';
  const python = await findPython(env, run);
  const local = `cp${python.version.split('.').slice(0, 2).join('')}-${process.platform}-${process.arch}`;
  const needed = folders.filter((folder) => {
    const found = dependenciesOf(folder, architecture);
    return found.state !== 'installed' || found.stamp.local !== local;
  });
  if (needed.length === 0) return [];

  const work = join(projectDir, 'build', `dependencies-${process.pid}`);
  const installation: Installation = { work, architecture, local, env: environmentOfPip(env), run };
  try {
    await rm(work, { recursive: true, force: true });
    await mkdir(work, { recursive: true });
    await orFail(run(python.executable, ['-m', 'venv', join(work, 'venv')], { env: installation.env }), 'no venv');
    for (const folder of needed) {
      const name = relative(join(projectDir, 'state-machines'), folder);
      await inPhase(report, 'dependencies', `Installing the packages of ${name}`, () => install(folder, installation));
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return needed;
}

interface Installation {
  readonly work: string;
  readonly architecture: SandboxArchitecture;
  readonly local: string;
  readonly env: NodeJS.ProcessEnv;
  readonly run: RunCommand;
}

/** Code folders, of workflows and one level below them. */
async function foldersWithRequirements(stateMachines: string): Promise<readonly string[]> {
  const workflows = await foldersIn(stateMachines);
  const candidates = [...workflows, ...(await Promise.all(workflows.map(foldersIn))).flat()];
  const found = await Promise.all(
    candidates.map((folder) =>
      stat(join(folder, REQUIREMENTS)).then(
        () => [folder],
        () => [],
      ),
    ),
  );
  return found.flat().sort();
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && entry.name !== VENDOR)
    .map(({ name }) => join(folder, name));
}

async function install(folder: string, installation: Installation): Promise<void> {
  const { work, architecture, local } = installation;
  const requirements = join(folder, REQUIREMENTS);
  const forSandbox = join(work, 'sandbox');
  const forLocal = join(work, 'local');
  await Promise.all([forSandbox, forLocal].map((target) => rm(target, { recursive: true, force: true })));
  const platforms = MANYLINUX.flatMap((name) => ['--platform', `${name}_${MACHINES[architecture]}`]);
  const sandboxOnly = ['--implementation', 'cp', '--python-version', SANDBOX_PYTHON, ...platforms];
  const chosen = await requirementsOfSandbox(requirements, installation);
  await pip(installation, chosen, forSandbox, sandboxOnly);
  await pip(installation, requirements, forLocal, []);

  const localOnly = await merge(forSandbox, forLocal, requirements);
  const stamp: VendorStamp = {
    requirements: sha256(await readFile(requirements)),
    architecture,
    local,
    localOnly,
  };
  await writeFile(join(forSandbox, VENDOR_STAMP), `${JSON.stringify(stamp, null, 2)}\n`);
  const vendor = join(folder, VENDOR);
  await rm(vendor, { recursive: true, force: true });
  await rename(forSandbox, vendor);
}

/** Prints the requirements whose conditions hold for the sandbox. pip takes them to be about the Python it runs on. */
const CHOOSE = `
import sys
from pip._vendor.packaging.markers import Marker
file, python, machine = sys.argv[1:]
sandbox = {
    "implementation_name": "cpython", "implementation_version": python + ".0", "os_name": "posix",
    "platform_machine": machine, "platform_python_implementation": "CPython", "platform_release": "",
    "platform_system": "Linux", "platform_version": "", "python_full_version": python + ".0",
    "python_version": python, "sys_platform": "linux",
}
with open(file, encoding="utf-8") as lines:
    text = lines.read().replace("\\\\\\n", " ")
for line in text.splitlines():
    spec, sep, hashes = line.partition(" --hash")
    name, condition, marker = spec.partition(";")
    if not condition or Marker(marker.strip()).evaluate(sandbox):
        print(name.strip() + sep + hashes)
`;

async function requirementsOfSandbox(
  requirements: string,
  { work, architecture, env, run }: Installation,
): Promise<string> {
  const python = join(work, 'venv', 'bin', 'python');
  const chosen = run(python, ['-c', CHOOSE, requirements, SANDBOX_PYTHON, MACHINES[architecture]], { env });
  await orFail(chosen, `${requirements} could not be read`);
  const file = join(work, 'requirements-of-the-sandbox.txt');
  await writeFile(file, (await chosen).output);
  return file;
}

async function pip(
  { work, env, run }: Installation,
  requirements: string,
  target: string,
  more: readonly string[],
): Promise<void> {
  const python = join(work, 'venv', 'bin', 'python');
  const options = ['--quiet', '--no-input', '--no-deps', '--no-compile', '--only-binary=:all:', '--require-hashes'];
  await orFail(
    run(python, ['-m', 'pip', 'install', ...options, ...more, '--target', target, '-r', requirements], { env }),
    `pip could not install ${requirements}`,
  );
  for (const file of await filesIn(target)) {
    if (OF_THE_INSTALLATION.test(file)) await rm(join(target, file));
  }
  // Programs, which name this interpreter by its path.
  await rm(join(target, 'bin'), { recursive: true, force: true });
}

/**
 * Adds to the packages of the sandbox what those of this machine have besides, and returns its paths. Compiled modules
 * carry their interpreter in their names, so they stand side by side; all else has to be the same.
 */
async function merge(sandbox: string, local: string, requirements: string): Promise<readonly string[]> {
  const known = new Set(await filesIn(sandbox));
  /** Folders of descriptions, which name a version, by package. */
  const versions = new Map<string | undefined, string>();
  for (const file of known) {
    const described = OF_THE_PACKAGE.exec(file);
    if (described !== null) versions.set(described[1], described[0]);
  }
  const added: string[] = [];
  for (const file of await filesIn(local)) {
    const described = OF_THE_PACKAGE.exec(file);
    const version = versions.get(described?.[1]);
    if (version !== undefined && version !== described?.[0]) throw twoVersions(requirements, file);
    if (!known.has(file)) {
      await cp(join(local, file), join(sandbox, file));
      added.push(file);
      continue;
    }
    if (described !== null) continue;
    const [one, other] = await Promise.all([readFile(join(sandbox, file)), readFile(join(local, file))]);
    if (!one.equals(other)) throw twoVersions(requirements, file);
  }
  return added.sort();
}

function twoVersions(requirements: string, file: string): WfloError {
  return new WfloError(
    'invalid_code',
    `${requirements} gives another ${file} for Python ${SANDBOX_PYTHON} in the sandbox than for this machine`,
    { fix: 'pin one version of the package for every Python, without a condition' },
  );
}

/** Paths below a folder, with `/`, sorted. */
async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
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
