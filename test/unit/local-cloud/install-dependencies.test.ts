import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../lib/json.ts';
import { installDependencies } from '../../../lib/local-cloud/install-dependencies.ts';
import { dependenciesOf } from '../../../lib/project/dependencies.ts';
import { fakeCommands } from '../../_helpers/fakes/fake-commands.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

let project: string;
let code: string;
let path: string;
beforeEach(() => {
  project = temporaryFolder();
  code = join(project, 'state-machines/w/agent');
  path = temporaryFolder();
  writeFileSync(join(path, 'python3'), '#!/bin/sh\n');
  chmodSync(join(path, 'python3'), 0o755);
  put(join(project, 'cdk.json'), '{"context":{"wflo:architecture":"ARM64"}}');
  put(join(code, 'requirements.txt'), 'pack==1 --hash=sha256:0\n');
});

function put(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

type Files = Readonly<Record<string, string>>;
const SANDBOX: Files = {
  'pack/__init__.py': 'same',
  'pack/fast.cpython-311-aarch64-linux-gnu.so': 'elf',
  'pack-1.dist-info/METADATA': 'same',
  'pack-1.dist-info/sboms/pack.json': 'one build',
  'pack-1.dist-info/RECORD': 'of 3.11',
  'pack-1.dist-info/WHEEL': 'cp311',
  'bin/pack': '#!/python',
};
const LOCAL: Files = {
  ...SANDBOX,
  'more-1.dist-info/METADATA': 'only older interpreters need it',
  'pack-1.dist-info/sboms/pack.json': 'another build',
  'pack-1.dist-info/RECORD': 'of 3.12',
  'pack-1.dist-info/WHEEL': 'cp312',
  'pack/fast.cpython-312-x86_64-linux-gnu.so': 'elf of this machine',
};

/** A machine whose pip installs these files. */
function machine(installs: { readonly sandbox: Files; readonly local: Files } | 'fails') {
  return fakeCommands(({ args }) => {
    if (args[0] === '-I') {
      const output = JSON.stringify({ version: [3, 12, 1], venv: true, executable: '/opt/python3' });
      return { exitCode: 0, output };
    }
    if (args[1] === 'venv') return { exitCode: 0, output: '' };
    if (args[0] === '-c') return { exitCode: 0, output: 'pack==1 --hash=sha256:0\n' };
    if (installs === 'fails') return { exitCode: 1, output: 'ERROR: hashes do not match\n' };
    const target = args[args.indexOf('--target') + 1] ?? '';
    const files = args.includes('--platform') ? installs.sandbox : installs.local;
    for (const [name, text] of Object.entries(files)) put(join(target, name), text);
    return { exitCode: 0, output: '' };
  });
}

const install = ({ run }: ReturnType<typeof machine>) =>
  installDependencies(project, { PATH: path }, () => undefined, run);

describe('the packages of an agent', () => {
  it('are installed for the sandbox and for this machine, side by side', async () => {
    const commands = machine({ sandbox: SANDBOX, local: LOCAL });
    expect(await install(commands)).toEqual([code]);
    expect(readdirSync(join(code, 'vendor')).sort()).toEqual([
      'more-1.dist-info',
      'pack',
      'pack-1.dist-info',
      'wflo-vendor.json',
    ]);
    expect(readdirSync(join(code, 'vendor/pack'))).toHaveLength(3);
    expect(readdirSync(join(code, 'vendor/pack-1.dist-info')).sort()).toEqual(['METADATA', 'WHEEL', 'sboms']);
    const requirements = sha256(readFileSync(join(code, 'requirements.txt')));
    expect(dependenciesOf(code, 'ARM64')).toMatchObject({
      state: 'installed',
      stamp: { requirements, localOnly: ['more-1.dist-info/METADATA', 'pack/fast.cpython-312-x86_64-linux-gnu.so'] },
    });
    const pips = commands.calls.filter(({ args }) => args.includes('pip')).map(({ args }) => args.join(' '));
    expect(pips[0]).toMatch(/--only-binary=:all: --require-hashes .*--python-version 3\.11 .*manylinux2014_aarch64/);
    for (const pip of pips) expect(pip).toContain('--no-deps');
  });

  it('are installed once, and again when what they are pinned to changes', async () => {
    await install(machine({ sandbox: SANDBOX, local: LOCAL }));
    const second = machine({ sandbox: SANDBOX, local: LOCAL });
    expect(await install(second)).toEqual([]);
    expect(second.calls.some(({ args }) => args.includes('pip'))).toBe(false);
    put(join(code, 'requirements.txt'), 'pack==2 --hash=sha256:1\n');
    expect(dependenciesOf(code, 'ARM64')).toEqual({ state: 'missing' });
    expect(await install(machine({ sandbox: SANDBOX, local: LOCAL }))).toEqual([code]);
  });

  it('are missing for another architecture', async () => {
    await install(machine({ sandbox: SANDBOX, local: LOCAL }));
    expect(dependenciesOf(code, 'X86_64')).toEqual({ state: 'missing' });
  });

  it.each([
    ['pack/__init__.py', 'of another version'],
    ['pack-2.dist-info/METADATA', 'same'],
  ])('may not be of two versions: %s', async (file, text) => {
    const local = { ...LOCAL, [file]: text };
    await expect(install(machine({ sandbox: SANDBOX, local }))).rejects.toMatchObject({
      code: 'invalid_code',
      message: expect.stringContaining(file),
    });
    expect(existsSync(join(code, 'vendor'))).toBe(false);
  });

  it('stay as they were when pip fails, and pip says why', async () => {
    await install(machine({ sandbox: SANDBOX, local: LOCAL }));
    put(join(code, 'requirements.txt'), 'pack==2 --hash=sha256:1\n');
    await expect(install(machine('fails'))).rejects.toMatchObject({
      code: 'local_setup_failed',
      message: expect.stringContaining('hashes do not match'),
    });
    expect(existsSync(join(code, 'vendor/pack'))).toBe(true);
    expect(readdirSync(join(project, 'build'))).toEqual([]);
  });

  it('need no Python where no agent has any', async () => {
    const { run, calls } = machine('fails');
    expect(await installDependencies(temporaryFolder(), { PATH: '' }, () => undefined, run)).toEqual([]);
    expect(calls).toEqual([]);
  });
});
