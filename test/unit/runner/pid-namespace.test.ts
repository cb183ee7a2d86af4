import { spawnSync } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { killNamespace, ownsPidNamespace, type ProcessView } from '../../../sandbox-images/runner/src/pid-namespace.ts';

const first: ProcessView = { pid: 1, ppid: 0, self: '1', visible: [1] };
const underInit: ProcessView = { pid: 7, ppid: 1, self: '7', visible: [1, 7] };

describe('a runner owns its process namespace', () => {
  it('where it is the first process, or the only other one than an init', () => {
    expect(ownsPidNamespace(first)).toBe(true);
    expect(ownsPidNamespace(underInit)).toBe(true);
  });

  it.each<[string, ProcessView | undefined]>([
    ['processes cannot be seen', undefined],
    ['somebody else runs', { ...underInit, visible: [1, 7, 9] }],
    ['somebody else runs beside the first process', { ...first, visible: [1, 2] }],
    ['the first process is hidden', { ...underInit, visible: [7] }],
    ['another parent started it', { ...underInit, ppid: 3 }],
    ['its number is that of a machine', { pid: 4_321, ppid: 1, self: '4321', visible: [1, 4_321] }],
    ['/proc is that of another namespace', { ...underInit, self: '4321' }],
    ['/proc of another namespace shows the same numbers', { ...first, self: '4321' }],
  ])('not where %s', (_why, view) => {
    expect(ownsPidNamespace(view)).toBe(false);
  });

  it('not where these tests run, and then it refuses to kill', async () => {
    expect(ownsPidNamespace()).toBe(false);
    await expect(killNamespace()).rejects.toThrow(/within reach/);
  });
});

/** A namespace of its own is a matter of privilege: with root, or where users may make one. */
const UNSHARE = [['unshare'], ['unshare', '--map-root-user']]
  .map((start) => [...start, '--pid', '--fork', '--mount-proc', '--kill-child'])
  .find(([file = '', ...options]) => spawnSync(file, [...options, 'true']).status === 0);

describe('in a namespace of its own', () => {
  let program: string;
  beforeAll(async () => {
    program = join(await mkdtemp(join(tmpdir(), 'wflo-namespace-')), 'program.mjs');
    await build({
      stdin: { contents: PROGRAM, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: program,
    });
  });

  it.each([
    ['the first process', []],
    ['the child of an init', ['sh', '-c', '"$@" & wait "$!"', 'init']],
  ])('%s leaves nothing, however it detached, ignored signals or forked', (_as, init) => {
    if (UNSHARE === undefined) {
      // What can be looked at without a namespace is that such a machine is never taken for one.
      expect(ownsPidNamespace()).toBe(false);
      return;
    }
    const [file = '', ...options] = UNSHARE;
    const result = spawnSync(file, [...options, ...init, process.execPath, program], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(result.stderr).toBe('');
    expect(JSON.parse(result.stdout)).toEqual({ owned: true, killed: true, left: [] });
  });
});

/** Starts what does not want to end, waits until it runs, and kills it all. */
const PROGRAM = `
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isNamespaceOwned, killNamespace } from '../../../sandbox-images/runner/src/pid-namespace.ts';
const others = () => readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).map(Number)
  .filter((pid) => pid !== 1 && pid !== process.pid)
  .filter((pid) => { try { return !/\\) [ZX]/.test(readFileSync('/proc/' + pid + '/stat', 'latin1')); } catch { return false; } });
const start = (script) => spawn('sh', ['-c', script], { stdio: 'ignore', detached: true, env: { PATH: process.env.PATH } });
start('trap "" TERM HUP INT; while :; do sleep 0.05; done');
start('setsid sh -c "trap \\\\"\\\\" TERM; (setsid env -i sleep 600 &); while :; do :; done" &');
start('while :; do (sleep 0.01; sleep 600) & sleep 0.01; done');
while (others().length < 8) await new Promise((resolve) => setTimeout(resolve, 10));
const killed = await killNamespace();
console.log(JSON.stringify({ owned: isNamespaceOwned(), killed, left: others() }));
process.exit(0);
`;
