import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sha256 } from '../../lib/json.ts';
import { environmentOfPip, findPython } from '../../lib/local-cloud/python.ts';

const run = promisify(execFile);
const build = join(import.meta.dirname, '../../build/real-clients');

export interface InstalledClients {
  /** Folder of the scripts. */
  readonly folder: string;
  readonly program: string;
  /** Names of the scripts, such as `gemini.py`. */
  readonly scripts: readonly string[];
}

/** The Python clients in a venv of their own, and nothing but what is pinned. Installed once for one list of pins. */
export async function installPythonClients(): Promise<InstalledClients & { readonly packages: string }> {
  const folder = join(import.meta.dirname, 'python');
  const requirements = join(folder, 'requirements.txt');
  const python = await findPython(process.env);
  const venv = join(build, 'python');
  const program = join(venv, 'bin', 'python');
  await once(venv, sha256(`${python.version}\n${readFileSync(requirements)}`), async () => {
    const env = environmentOfPip(process.env);
    await run(python.executable, ['-m', 'venv', venv], { env });
    const options = ['--quiet', '--no-deps', '--only-binary=:all:', '--require-hashes'];
    await run(program, ['-m', 'pip', 'install', ...options, '-r', requirements], { env });
  });
  const { stdout } = await run(program, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))']);
  return { folder, program, packages: stdout.trim(), scripts: scriptsIn(folder, '.py') };
}

/** The JavaScript clients beside copies of the scripts, from the lock file. */
export async function installNodeClients(): Promise<InstalledClients> {
  const source = join(import.meta.dirname, 'node');
  const folder = join(build, 'node');
  await once(folder, sha256(readFileSync(join(source, 'package-lock.json'))), async () => {
    for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(source, file), join(folder, file));
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
  });
  const scripts = scriptsIn(source, '.mjs');
  for (const script of ['result.mjs', ...scripts]) cpSync(join(source, script), join(folder, script));
  return { folder, program: process.execPath, scripts };
}

/** Written last, so that an installation that was cut off is done again. */
async function once(folder: string, wanted: string, install: () => Promise<void>): Promise<void> {
  const stamp = join(folder, 'installed.sha256');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await install();
  writeFileSync(stamp, wanted);
}

function scriptsIn(folder: string, ending: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(ending) && name !== `result${ending}`)
    .sort();
}
