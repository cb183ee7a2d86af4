import { execFileSync } from 'node:child_process';
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../lib/json.ts';
import { extractArchive } from '../../../sandbox-images/runner/src/archive.ts';
import { staysInside } from '../../../sandbox-images/runner/src/links.ts';
import { type PackedWorkspace, packWorkspace } from '../../../sandbox-images/runner/src/pack-workspace.ts';

let scratch: string;
let folder: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'wflo-pack-'));
  folder = join(scratch, 'workspace');
  await mkdir(folder);
});
// Paths that are too long for Linux are deleted by the system's `rm`, which goes down step by step.
afterEach(() => void execFileSync('rm', ['-rf', scratch]));

const sh = (script: string) => execFileSync('sh', ['-c', script], { cwd: folder });
const pack = (limitBytes?: number): Promise<PackedWorkspace> =>
  packWorkspace({ folder, root: scratch, agentUid: undefined, ...(limitBytes === undefined ? {} : { limitBytes }) });

async function unpackInto(packed: PackedWorkspace, name: string): Promise<string> {
  const into = join(scratch, name);
  await mkdir(into);
  await extractArchive(packed.file, { what: 'the archive', folder: into, links: true });
  return into;
}

/** Everything below a folder by name: permissions, and content or target. */
async function contentsOf(root: string): Promise<Record<string, string>> {
  const names = (await readdir(root, { recursive: true })).sort();
  const found = names.map(async (name): Promise<[string, string]> => {
    const stat = await lstat(join(root, name));
    const mode = (stat.mode & 0o777).toString(8);
    if (stat.isSymbolicLink()) return [name, `-> ${await readlink(join(root, name))}`];
    return [name, stat.isDirectory() ? `${mode}/` : `${mode} ${sha256(await readFile(join(root, name)))}`];
  });
  return Object.fromEntries(await Promise.all(found));
}

describe('a packed workspace', () => {
  it('comes back as it was: nested, empty, unicode, long names, links, permissions', async () => {
    sh(`mkdir -p a/b/c empty node_modules/.bin node_modules/tool
        echo deep > a/b/c/file; : > a/nothing; head -c 100000 /dev/urandom > random
        echo '#!/bin/sh' > run.sh; chmod 755 run.sh; echo key > key; chmod 600 key
        echo tool > node_modules/tool/bin.js; ln -s ../tool/bin.js node_modules/.bin/tool
        ln -s a/b/c here; ln -s nowhere gone; echo owl > 'ünïcödé 🦉'; echo odd > '-rf \\ "x" C:'
        ln a/b/c/file hard`);
    await writeFile(join(folder, 'x'.repeat(255)), 'long');
    await mkdir(join(folder, `${'deep/'.repeat(60)}er`), { recursive: true });
    const before = await contentsOf(folder);
    const packed = await pack();
    expect(packed.sha256).toBe(sha256(await readFile(packed.file)));
    expect(packed.bytes).toBe((await lstat(packed.file)).size);
    const into = await unpackInto(packed, 'into');
    expect(await contentsOf(into)).toEqual(before);
    expect(await readFile(join(into, 'hard'), 'utf8')).toBe('deep\n');
    // The system's tar reads it as well.
    await mkdir(join(scratch, 'other'));
    execFileSync('tar', ['-xzf', packed.file, '-C', join(scratch, 'other')]);
    expect(await contentsOf(join(scratch, 'other'))).toEqual(before);
    await packed.remove();
    expect((await readdir(scratch)).sort()).toEqual(['into', 'other', 'workspace']);
  });

  it('may be empty', async () => {
    expect(await contentsOf(await unpackInto(await pack(), 'into'))).toEqual({});
  });

  it('has the same bytes for the same content, whenever and in whatever order it was written', async () => {
    sh('echo 1 > b; echo 2 > a; mkdir c; echo 3 > c/d');
    const { sha256: first } = await pack();
    await rm(folder, { recursive: true });
    await mkdir(folder);
    sh('mkdir c; echo 3 > c/d; echo 2 > a; echo 1 > b');
    await utimes(join(folder, 'a'), 1, 1);
    expect((await pack()).sha256).toBe(first);
    sh('chmod 700 a');
    expect((await pack()).sha256).not.toBe(first);
  });

  it('takes what the agent left unreadable', async () => {
    sh('mkdir closed; echo x > closed/file; chmod 000 closed/file closed');
    expect(await contentsOf(await unpackInto(await pack(), 'into'))).toMatchObject({
      closed: '700/',
      'closed/file': expect.stringMatching(/^600 /),
    });
  });

  it('round trips for any tree', async () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
      .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..' && text.isWellFormed());
    const file = fc.record({
      path: fc.array(name, { minLength: 1, maxLength: 4 }),
      content: fc.uint8Array({ maxLength: 1500 }),
      mode: fc.constantFrom(0o600, 0o644, 0o755),
      link: fc.boolean(),
    });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(file, { maxLength: 8 }), async (files) => {
        round += 1;
        await rm(folder, { recursive: true, force: true });
        await mkdir(folder);
        for (const { path, content, mode, link } of files) {
          const target = join(folder, ...path);
          try {
            await mkdir(dirname(target), { recursive: true });
            if (link) await symlink(path.at(-1) ?? '', target);
            else await writeFile(target, content, { mode, flag: 'wx' });
          } catch (error) {
            // Two names of one example can exclude each other.
            if (!['EEXIST', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
          }
        }
        // A link to itself is none that could be carried.
        for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
          if (entry.isSymbolicLink()) {
            await rm(join(entry.parentPath, entry.name));
            await symlink('elsewhere-🦉', join(entry.parentPath, entry.name));
          }
        }
        const before = await contentsOf(folder);
        expect(await contentsOf(await unpackInto(await pack(), `into-${round}`))).toEqual(before);
      }),
      { numRuns: 40 },
    );
  });
});

describe('a workspace', () => {
  const invalid = 'invalid_workspace';
  const large = 'workspace_too_large';
  it.each<[string, string, string, string]>([
    ['a pipe', 'mkdir a; mkfifo a/pipe', invalid, '"a/pipe", which is a pipe'],
    ['an absolute link', 'ln -s /etc/passwd link', invalid, '"link", which is a symbolic link'],
    ['a link to a file of its own by its absolute name', 'echo x > f; ln -s "$PWD/f" link', invalid, '"link"'],
    ['a link that leads out', 'mkdir a; ln -s ../../x a/link', invalid, '"a/link"'],
    ['a link that leads out through another', 'mkdir -p p/q; ln -s ../.. p/q/up; ln -s p/q/up/../x l', invalid, '"l"'],
    ['a link to itself', 'ln -s l l', invalid, '"l"'],
    ['a name that is not UTF-8', 'mkdir a; touch "$(printf "a/\\377")"', invalid, 'not UTF-8'],
    ['a link to a name that is not UTF-8', 'ln -s "$(printf "\\377")" l', invalid, 'not UTF-8'],
    [
      'a path that is too long',
      'for i in $(seq 1 50); do d=$(printf "%0100d" 0); mkdir $d; cd $d 2>&- || break; done',
      invalid,
      'path',
    ],
    ['a sparse terabyte', 'mkdir a; truncate -s 1T a/disk', large, '"a/disk" has 1099511627776'],
    ['files that add up', 'for i in 1 2 3; do truncate -s 200M f$i; done', large, '"f3"'],
    ['more than 10,000 entries', 'mkdir a; cd a; seq 1 10000 | xargs touch', large, 'more than 10000 entries'],
  ])(
    'that holds %s is refused by name, and leaves no archive',
    async (_what, script, code, message) => {
      sh(script);
      await expect(pack()).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
      expect(await readdir(scratch)).toEqual(['workspace']);
    },
    30_000,
  );

  it('that holds a socket is refused', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, 's'), resolve));
    await expect(pack()).rejects.toMatchObject({ code: invalid, message: expect.stringContaining('is a socket') });
    await new Promise((resolve) => server.close(resolve));
  });

  it('is never taken from a user other than the agent, by whatever name the agent gave to the file', async () => {
    const outside = join(scratch, 'of-somebody-else');
    await writeFile(outside, 'secret', { mode: 0o600 });
    await link(outside, join(folder, 'mine'));
    const agentUid = (process.getuid?.() ?? 0) + 1000;
    const taken = packWorkspace({ folder, root: scratch, agentUid });
    // Without root there is nobody to take files back from, and the attempt fails before it looks at any.
    const refusal = { code: invalid, message: expect.stringContaining('"mine", which does not belong to the agent') };
    await expect(taken).rejects.toMatchObject(process.getuid?.() === 0 ? refusal : { code: 'EPERM' });
    expect(await readFile(outside, 'utf8')).toBe('secret');
  });

  it('that became something else, or nothing, is refused', async () => {
    await rm(folder, { recursive: true });
    await expect(pack()).rejects.toMatchObject({ code: invalid });
    await symlink('/etc', folder);
    await expect(pack()).rejects.toMatchObject({ code: invalid });
  });

  it('whose archive passes its limit is refused while it is written', async () => {
    sh('head -c 100000 /dev/urandom > noise');
    await expect(pack(50_000)).rejects.toMatchObject({ code: large, message: expect.stringContaining('50000') });
    expect(await readdir(scratch)).toEqual(['workspace']);
    await truncate(join(folder, 'noise'), 10);
    await chmod(join(folder, 'noise'), 0o400);
    expect((await pack(50_000)).bytes).toBeLessThan(50_000);
  });
});

describe('a link', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['l', { l: 'a' }, true],
    ['a/l', { 'a/l': '../b' }, true],
    ['a/l', { 'a/l': '..' }, true],
    ['l', { l: '..' }, false],
    ['l', { l: 'a/../b' }, true],
    ['l', { l: 'a/../../b' }, false],
    ['l', { l: 'x/../b', x: 'a/b/c' }, true],
    ['l', { l: 'x/../../../b', x: 'a/b/c' }, true],
    ['l', { l: 'x/../../../../b', x: 'a/b/c' }, false],
    ['l', { l: 'a/x/..', 'a/x': '..' }, false],
    ['l', { l: 'x', x: '/etc' }, false],
    ['l', { l: './/a/./b/' }, true],
    ['l', {}, false],
  ])('%s of %j stays inside: %s', (path, links, inside) => {
    expect(staysInside(path, new Map(Object.entries(links)))).toBe(inside);
  });
});
