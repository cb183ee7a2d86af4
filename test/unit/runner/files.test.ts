import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SandboxPayload } from '../../../lib/execution/payload.ts';
import { archiveOf, runnerWorld, type World } from '../../_helpers/runner-world.ts';

let scratch: string;
const worlds: World[] = [];
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'wflo-files-'));
});
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
  await rm(scratch, { recursive: true, force: true });
});

async function world(payload: Partial<SandboxPayload>, archive?: Buffer): Promise<World> {
  const made = await runnerWorld(payload, archive);
  worlds.push(made);
  return made;
}

async function codeFolder(files: Record<string, string>): Promise<string> {
  const folder = join(scratch, 'agent');
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

const sh = (script: string): string[] => ['sh', '-c', script];

describe('code', () => {
  it('is unpacked into the working directory', async () => {
    const folder = await codeFolder({ 'main.js': 'require("./lib/greet.js")', 'lib/greet.js': 'console.log("hi")' });
    const w = await world({ command: ['node', 'main.js'] }, await archiveOf(folder));
    expect(await w.run()).toBe(0);
    expect(w.scene.logs.lines.map((line) => line.text)).toEqual(['hi']);
  });

  it('with another hash never runs', async () => {
    const folder = await codeFolder({ 'main.js': 'console.log("hi")' });
    const w = await world({ command: ['node', 'main.js'] }, await archiveOf(folder));
    for (const key of w.objects.keys()) if (key.startsWith('code/')) w.objects.set(key, Buffer.from('tampered'));
    expect(await w.run()).toBe(0);
    expect((await w.scene.attempt()).exit).toMatchObject({ reason: 'runner_error', code: 64 });
    expect(w.scene.logs.lines).toEqual([]);
  });

  it.each([
    ['a symbolic link', (folder: string) => symlink('/etc/passwd', join(folder, 'link')), []],
    [
      'a hard link',
      (folder: string) => Promise.resolve(execFileSync('ln', ['main.js', 'other.js'], { cwd: folder })),
      [],
    ],
    ['a pipe', (folder: string) => Promise.resolve(execFileSync('mkfifo', ['pipe'], { cwd: folder })), []],
    ['a name that leads out', async () => undefined, ['--transform=s,^,../,']],
    ['an absolute name', async () => undefined, ['--absolute-names', '--transform=s,^,/tmp/wflo-escape/,']],
  ])('that holds %s is refused before anything is written', async (_what, prepare, options) => {
    const folder = await codeFolder({ 'main.js': '' });
    await prepare(folder);
    const file = join(scratch, 'a.tar.gz');
    execFileSync('tar', ['-czf', file, ...options, '-C', folder, '.'].map(String));
    const w = await world({ command: ['node', 'main.js'] }, await readFile(file));
    expect(await w.run()).toBe(0);
    const { exit } = await w.scene.attempt();
    expect(exit).toMatchObject({ reason: 'runner_error', code: 64 });
    expect(exit?.message).toContain('the code archive holds');
    expect(await readdir(join(w.root, 'code'))).toEqual([]);
  });

  const headerOf = (size: number, path = 'main.js'): Buffer => {
    const header = new Header({ path, type: 'File', mode: 0o644, size });
    header.encode();
    return header.block ?? Buffer.alloc(0);
  };

  it('with more than 10,000 entries is refused', async () => {
    const w = await world(
      {},
      gzipSync(Buffer.concat(Array.from({ length: 10_001 }, (_, index) => headerOf(0, `${index}.js`)))),
    );
    expect(await w.run()).toBe(0);
    expect((await w.scene.attempt()).exit?.message).toContain('more than 10000 entries');
  });

  it('that would unpack to more than 512 MiB is refused before it does', async () => {
    const w = await world({}, gzipSync(headerOf(512 * 1024 * 1024 + 1)));
    expect(await w.run()).toBe(0);
    expect((await w.scene.attempt()).exit?.message).toContain('unpacks to more than 536870912 bytes');
  });

  it('that is no archive is refused', async () => {
    const w = await world({}, Buffer.from('this is not a gzip file, and not a tar file either'));
    expect(await w.run()).toBe(0);
    expect((await w.scene.attempt()).exit).toMatchObject({ reason: 'runner_error', code: 64 });
  });
});

describe('input and output above 32 KiB', () => {
  it('move by URL, byte for byte', async () => {
    const input = { text: 'ü"\\\n'.repeat(20_000) };
    const w = await world({ command: sh('cp "$WFLO_INPUT" "$WFLO_OUTPUT"'), input });
    expect(await w.run()).toBe(0);
    expect(w.calls).toEqual(['claim', 'GET object', 'urls', 'PUT object', 'complete']);
    expect(await w.outputOf()).toEqual(input);
  });

  it('move by URL also when the store fails for a moment', async () => {
    const w = await world({ command: sh('cp "$WFLO_INPUT" "$WFLO_OUTPUT"'), input: 'x'.repeat(40_000) });
    const failed = new Set<string>();
    w.intercept = (call, _request, response) => {
      if (!call.endsWith(' object') || failed.has(call)) return false;
      failed.add(call);
      response.writeHead(503).end();
      return true;
    };
    expect(await w.run()).toBe(0);
    expect(failed.size).toBe(2);
    expect(await w.outputOf()).toBe('x'.repeat(40_000));
  });
});

describe('an output file', () => {
  it.each([
    ['is larger than 10 MiB', 'head -c 10485761 /dev/zero > "$WFLO_OUTPUT"', 'output_too_large'],
    ['is a symbolic link', 'ln -s /etc/passwd "$WFLO_OUTPUT"', 'invalid_output'],
    ['is a link to a file of its own', 'echo 1 > x; ln -s "$PWD/x" "$WFLO_OUTPUT"', 'invalid_output'],
    ['is a hard link', 'echo 1 > x; ln x "$WFLO_OUTPUT"', 'invalid_output'],
    ['is a pipe', 'mkfifo "$WFLO_OUTPUT"', 'invalid_output'],
    ['is a folder', 'mkdir "$WFLO_OUTPUT"', 'invalid_output'],
    ['is not UTF-8', 'printf "\\"\\377\\"" > "$WFLO_OUTPUT"', 'invalid_output'],
    ['is not JSON', 'echo hello > "$WFLO_OUTPUT"', 'invalid_output'],
  ])('that %s is not taken, and the exit stays', async (_what, script, code) => {
    const w = await world({ command: sh(script) });
    expect(await w.run()).toBe(0);
    const attempt = await w.scene.attempt();
    expect(attempt).toMatchObject({ exit: { reason: 'ok', code: 0 }, error: { code } });
    expect(attempt).not.toHaveProperty('output');
  });
});
