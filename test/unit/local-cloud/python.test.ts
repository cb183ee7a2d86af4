import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { localPaths } from '../../../lib/local-cloud/paths.ts';
import type { ProgressMessage } from '../../../lib/local-cloud/progress.ts';
import { emulatorVersion, environmentOfPip, findPython, installEmulator } from '../../../lib/local-cloud/python.ts';
import { fakeCommands } from '../../_helpers/fakes/fake-commands.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

interface Installed {
  readonly version: readonly number[];
  readonly venv?: boolean;
}

/** A search path with programs of these names, and what they answer. */
function machine(pythons: { readonly [name: string]: Installed | 'broken' | 'python2' }) {
  const folder = temporaryFolder();
  for (const name of Object.keys(pythons)) executable(join(folder, name));
  const commands = fakeCommands(({ file, args }) => {
    const python = pythons[file];
    if (python === 'python2' && args[0] === '--version') return { exitCode: 0, output: 'Python 2.7.18\n' };
    if (python === undefined || python === 'broken' || python === 'python2') return { exitCode: 127, output: 'no' };
    const output = JSON.stringify({ venv: true, ...python, executable: `/opt/${file}` });
    return { exitCode: 0, output: `${output}\n` };
  });
  return { env: { PATH: `/nonexistent:${folder}` }, ...commands };
}

function executable(file: string): void {
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, 0o755);
}

describe('finding Python', () => {
  it('takes the first that is new enough and can make a venv', async () => {
    const { env, run } = machine({
      python3: { version: [3, 8, 10] },
      'python3.13': 'broken',
      'python3.12': { version: [3, 12, 1], venv: false },
      'python3.11': { version: [3, 11, 7] },
      python: { version: [3, 14, 0] },
    });
    expect(await findPython(env, run)).toEqual({ executable: '/opt/python3.11', version: '3.11.7' });
  });

  it('starts nothing that is not on the PATH, and says that there is none', async () => {
    const { env, run, calls } = machine({});
    await expect(findPython(env, run)).rejects.toMatchObject({
      code: 'python_missing',
      message: expect.stringContaining('none is on the PATH'),
      fix: expect.stringContaining('python3-venv'),
    });
    expect(calls).toEqual([]);
  });

  it('names the versions that are too old', async () => {
    const { env, run } = machine({ python3: { version: [3, 9, 2] }, python: 'python2' });
    await expect(findPython(env, run)).rejects.toMatchObject({
      code: 'python_missing',
      message: expect.stringMatching(/python3 is 3\.9\.2, python is 2\.7\.18/),
    });
  });

  it('names the package where only venv is missing', async () => {
    const { env, run } = machine({ python3: { version: [3, 12, 3], venv: false } });
    await expect(findPython(env, run)).rejects.toMatchObject({
      code: 'python_missing',
      message: expect.stringContaining('3.12.3'),
      fix: expect.stringContaining('python3.12-venv'),
    });
  });
});

describe('installing the emulator', () => {
  function project(pip: { exitCode: number; output: string } = { exitCode: 0, output: '' }) {
    const projectDir = temporaryFolder();
    const bin = temporaryFolder();
    executable(join(bin, 'python3'));
    const venvPython = join(localPaths(projectDir).venv, 'bin', 'python');
    const commands = fakeCommands(({ args }) => {
      if (args.includes('venv')) {
        mkdirSync(join(venvPython, '..'), { recursive: true });
        executable(venvPython);
        return { exitCode: 0, output: '' };
      }
      if (args.includes('pip')) return pip;
      const output = JSON.stringify({ version: [3, 11, 7], venv: true, executable: '/opt/python3' });
      return { exitCode: 0, output };
    });
    const messages: ProgressMessage[] = [];
    const install = () => installEmulator(projectDir, { PATH: bin }, (message) => messages.push(message), commands.run);
    return { projectDir, venvPython, install, messages, calls: commands.calls };
  }

  it('is done once, from the pinned requirements into the venv, and then not again', async () => {
    const { install, venvPython, calls, messages } = project();
    expect(await install()).toMatchObject({ python: venvPython });
    expect(calls.at(-1)).toMatchObject({ file: venvPython, args: expect.arrayContaining(['install', '--no-deps']) });
    const before = { calls: calls.length, messages: messages.length };
    await install();
    expect({ calls: calls.length, messages: messages.length }).toEqual(before);
  });

  it('is done again when the requirements have changed', async () => {
    const { install, projectDir, calls } = project();
    await install();
    const before = calls.length;
    writeFileSync(join(localPaths(projectDir).venv, 'wflo-requirements.sha256'), 'of another list\n');
    await install();
    expect(calls.length).toBeGreaterThan(before);
  });

  it('that failed says the end of what pip said, and is done again', async () => {
    const { install, projectDir, calls } = project({ exitCode: 1, output: `${'noise\n'.repeat(40)}ERROR: no route\n` });
    await expect(install()).rejects.toMatchObject({
      code: 'local_setup_failed',
      message: expect.stringContaining('ERROR: no route'),
      details: { lines: expect.any(Array) },
    });
    const before = calls.length;
    expect(existsSync(join(localPaths(projectDir).venv, 'wflo-requirements.sha256'))).toBe(false);
    await expect(install()).rejects.toMatchObject({ code: 'local_setup_failed' });
    expect(calls.length).toBeGreaterThan(before);
  });

  it('keeps the mirror and proxy of the user, and drops what would install elsewhere', () => {
    const env = environmentOfPip({
      PIP_INDEX_URL: 'https://mirror',
      HTTPS_PROXY: 'p',
      PIP_TARGET: '/x',
      PIP_USER: '1',
      PYTHONPATH: '/y',
    });
    expect(env).toMatchObject({ PIP_INDEX_URL: 'https://mirror', HTTPS_PROXY: 'p', PIP_USER: '0' });
    expect(env).not.toHaveProperty('PIP_TARGET');
    expect(env).not.toHaveProperty('PYTHONPATH');
  });
});

describe('requirements.txt', () => {
  const text = readFileSync(new URL('../../../lib/local-cloud/requirements.txt', import.meta.url), 'utf8');

  it('pins every package exactly, and names no index', () => {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines)
      expect(line).toMatch(/^[A-Za-z0-9_-]+==[0-9][A-Za-z0-9.]*(?:; python_version < "3\.\d+")?$/);
    expect(emulatorVersion(text)).toBe('1.5.33');
  });
});
