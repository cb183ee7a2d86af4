import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultOfCommand } from '../../../sandbox-images/runner/src/find-command.ts';
import { confine } from '../../../sandbox-images/runner/src/privileges.ts';
import { findTools, type Tools } from '../../../sandbox-images/runner/src/tools.ts';

/** Stand for the tools: each starts what comes after `--`. */
async function fakeTools(
  script = '[ "$1" = --idle ] && shift 2 && exec "$@"; while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
): Promise<Tools> {
  const folder = await mkdtemp(join(tmpdir(), 'wflo-tools-'));
  const tools: Record<string, readonly string[]> = {};
  for (const name of ['chrt', 'choom', 'prlimit', 'setpriv', 'env']) {
    const file = join(folder, name);
    await writeFile(file, `#!/bin/sh\n[ "$1" = --version ] && exit 0\n${script}\n`);
    await chmod(file, 0o755);
    tools[name] = [file];
  }
  return tools;
}

describe('the command line of an agent of a root runner', () => {
  it('takes scheduling class, memory score, limits and privileges, in this order, and then starts the agent', async () => {
    const tools = await fakeTools();
    const { words, env, startedBy } = await confine(
      ['agent', '-x'],
      { A: '1' },
      { tools, uid: 1000, timeoutSeconds: 60 },
    );
    const text = words.map((word) => word.split('/').at(-1)).join(' ');
    expect(text).toMatch(
      /^chrt --idle 0 choom -n 1000 -- prlimit --nofile=\d+ --fsize=\d+ --core=0 --cpu=\d+:\d+ -- setpriv --reuid=1000 --regid=1000 --clear-groups --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs -- agent -x$/,
    );
    expect(env).toEqual({ A: '1' });
    expect(startedBy).toBe('setpriv');
  });

  it('keeps what a loader reads from the programs that are still root', async () => {
    const tools = await fakeTools();
    const declared = { LD_PRELOAD: '/workspace/code/x.so', LD_LIBRARY_PATH: 'lib', GLIBC_TUNABLES: 'a', PATH: '/bin' };
    const { words, env } = await confine(['agent'], declared, { tools, uid: 1000, timeoutSeconds: 60 });
    expect(env).toEqual({ PATH: '/bin' });
    expect(words.slice(words.indexOf('--no-new-privs'))).toEqual([
      '--no-new-privs',
      '--',
      ...(tools.env ?? []),
      '--',
      'LD_PRELOAD=/workspace/code/x.so',
      'LD_LIBRARY_PATH=lib',
      'GLIBC_TUNABLES=a',
      'agent',
    ]);
  });

  it.each(['chrt', 'choom', 'prlimit', 'setpriv'] as const)('is refused where %s is missing', async (tool) => {
    const { [tool]: _missing, ...tools } = await fakeTools();
    const confinement = { tools, uid: 1000, timeoutSeconds: 60 };
    await expect(confine(['agent'], {}, confinement)).rejects.toThrow(`has no "${tool}"`);
  });

  it('is refused, in the words of the tool, where a tool fails', async () => {
    const tools = await fakeTools('echo "setpriv: not permitted" >&2; exit 1');
    await expect(confine(['agent'], {}, { tools, uid: 1000, timeoutSeconds: 60 })).rejects.toThrow(
      'the agent cannot be confined: setpriv: not permitted',
    );
  });
});

describe('the command line of an agent of the same user', () => {
  it('gains no privileges, and changes no user', async () => {
    const { words } = await confine(['agent'], {}, { tools: await fakeTools(), timeoutSeconds: 60 });
    expect(words.slice(-3)).toEqual(['--no-new-privs', '--', 'agent']);
    expect(words.join(' ')).not.toContain('--reuid');
  });

  it('is the command alone where this machine has no tools', async () => {
    expect(await confine(['agent'], { LD_PRELOAD: 'x' }, { tools: {}, timeoutSeconds: 60 })).toEqual({
      words: ['agent'],
      env: { LD_PRELOAD: 'x' },
    });
  });
});

describe('the tools', () => {
  it('are those of the folder of the runner, started with its own loader', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wflo-folder-'));
    for (const name of ['bin', 'lib']) await mkdir(join(folder, name));
    for (const name of ['lib/ld.so', 'bin/setpriv']) await writeFile(join(folder, name), '');
    expect(findTools(folder, '/usr/bin')).toEqual({
      setpriv: [join(folder, 'lib/ld.so'), '--library-path', join(folder, 'lib'), join(folder, 'bin/setpriv')],
    });
  });

  it('are those of the machine elsewhere, never of a relative folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wflo-path-'));
    await writeFile(join(folder, 'choom'), '');
    await writeFile(join(folder, 'setpriv'), '', { mode: 0o755 });
    expect(findTools('/nonexistent', `.:bin:${folder}`)).toEqual({ setpriv: [join(folder, 'setpriv')] });
  });
});

describe('a command', () => {
  it('is looked for as the start of a program looks', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wflo-command-'));
    await mkdir(join(folder, 'bin/folder'), { recursive: true });
    await writeFile(join(folder, 'bin/plain'), '', { mode: 0o644 });
    await writeFile(join(folder, 'bin/program'), '', { mode: 0o755 });
    const fault = (command: string, path = `/nonexistent:${folder}/bin`) => faultOfCommand(command, path, folder);
    expect(await fault('program')).toBeUndefined();
    expect(await fault('bin/program', '')).toBeUndefined();
    expect(await fault('program', 'bin')).toBeUndefined();
    expect(await fault('program', '/usr/lib')).toBe('ENOENT');
    expect(await fault('plain')).toBe('EACCES');
    expect(await fault('folder')).toBe('EACCES');
    expect(await fault('./missing')).toBe('ENOENT');
    expect(await fault('bin/program/below')).toBe('ENOENT');
    expect(await fault('')).toBe('ENOENT');
  });
});
