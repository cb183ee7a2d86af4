import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header, type HeaderData, Pax } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extractArchive } from '../../../sandbox-images/runner/src/archive.ts';
import { readArchive } from '../../../sandbox-images/runner/src/read-archive.ts';

let scratch: string;
let folder: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'wflo-archives-'));
  folder = join(scratch, 'into');
  await mkdir(folder);
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

/** A tar entry byte for byte as given: nothing is checked. */
function entry(path: string, fields: Partial<HeaderData> & { readonly content?: string } = {}): Buffer {
  const { content = '', ...data } = fields;
  const body = Buffer.from(content);
  const header = new Header({ path, type: 'File', mode: 0o644, size: body.length, ...data });
  const extended = header.encode()
    ? new Pax(data.linkpath === undefined ? { path } : { path, linkpath: data.linkpath }).encode()
    : Buffer.alloc(0);
  const padding = Buffer.alloc((512 - (body.length % 512)) % 512);
  return Buffer.concat([extended, header.block ?? Buffer.alloc(0), body, padding]);
}
const link = (path: string, linkpath: string): Buffer => entry(path, { type: 'SymbolicLink', linkpath });
const directory = (path: string, mode = 0o755): Buffer => entry(`${path}/`, { type: 'Directory', mode });

async function unpack(entries: readonly Buffer[] | Buffer, links = true): Promise<void> {
  const file = join(scratch, 'a.tar.gz');
  const tar = Buffer.isBuffer(entries) ? entries : gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)]));
  await writeFile(file, tar);
  await extractArchive(file, { what: 'the archive', folder, links });
}

describe('an archive of a workspace', () => {
  it('becomes files, folders and links, however the folders come', async () => {
    await unpack([
      directory('.'),
      entry('./deep/er/file.txt', { content: 'deep' }),
      directory('./deep/'),
      entry('run.sh', { content: '#!/bin/sh\n', mode: 0o755 }),
      link('node_modules/.bin/tool', '../tool/bin.js'),
      entry('node_modules/tool/bin.js', { content: 'x' }),
      link('deep/up', '../run.sh'),
      link('gone', 'nowhere/at/all'),
      entry('ünï/🦉.txt', { content: 'owl' }),
      entry('C:back\\slash', { content: 'plain' }),
      entry('same.txt'),
      entry('Same.txt'),
    ]);
    expect(await readFile(join(folder, 'deep/er/file.txt'), 'utf8')).toBe('deep');
    expect(await readFile(join(folder, 'node_modules/.bin/tool'), 'utf8')).toBe('x');
    expect(await readlink(join(folder, 'gone'))).toBe('nowhere/at/all');
    expect(await readFile(join(folder, 'ünï/🦉.txt'), 'utf8')).toBe('owl');
    expect((await readdir(folder)).sort()).toEqual(
      ['C:back\\slash', 'Same.txt', 'deep', 'gone', 'node_modules', 'run.sh', 'same.txt', 'ünï'].sort(),
    );
    expect((await stat(join(folder, 'run.sh'))).mode & 0o777).toBe(0o755);
  });

  it('loses set-id and sticky bits, and stays open to its owner', async () => {
    await unpack([
      directory('closed', 0o7000),
      entry('closed/in', { content: 'x', mode: 0o6111 }),
      entry('secret', { mode: 0o4600 }),
    ]);
    const modeOf = async (name: string) => ((await stat(join(folder, name))).mode & 0o7777).toString(8);
    expect([await modeOf('closed'), await modeOf('closed/in'), await modeOf('secret')]).toEqual(['700', '711', '600']);
  });

  const nested = (depth: number, name: string) => Array.from({ length: depth }, () => name).join('/');
  it.each<[string, readonly Buffer[], string]>([
    ['a name that leads out', [entry('../out')], 'leads out of its folder'],
    ['a name that leads out on the way', [entry('a/../../out')], 'leads out of its folder'],
    ['an absolute name', [entry('/tmp/out')], 'is an absolute name'],
    ['a file without a name', [entry('./.')], 'is no name'],
    ['a hard link', [entry('a'), entry('b', { type: 'Link', linkpath: 'a' })], 'is a Link'],
    ['a hard link to the outside', [entry('b', { type: 'Link', linkpath: '/etc/passwd' })], 'is a Link'],
    ['a device', [entry('d', { type: 'CharacterDevice' })], 'is a CharacterDevice'],
    ['a disk', [entry('d', { type: 'BlockDevice' })], 'is a BlockDevice'],
    ['a pipe', [entry('p', { type: 'FIFO' })], 'is a FIFO'],
    ['a contiguous file', [entry('c', { type: 'ContiguousFile' })], 'is a ContiguousFile'],
    ['a kind of entry that is unknown', [entry('s', { type: 'GNUDumpDir' })], 'is a GNUDumpDir'],
    ['an entry twice', [entry('a'), entry('./a')], 'comes twice'],
    ['a file and a folder of one name', [entry('a'), directory('a')], 'comes twice'],
    ['a file in a file', [entry('a/b'), entry('a')], 'would be written into a file'],
    ['an absolute link', [link('l', '/etc/passwd')], 'leads out of its folder'],
    ['a link that leads out', [link('a/l', '../../x')], 'leads out of its folder'],
    ['a link to nothing', [link('l', '')], 'linkpath required'],
    [
      'a link that leads out through another',
      [directory('p/q'), link('p/q/up', '../..'), link('l', 'p/q/up/../secret')],
      'leads out of its folder',
    ],
    ['links that never end', [link('a', 'b'), link('b', 'a')], 'leads out of its folder'],
    ['a file through a link', [link('l', 'a'), directory('a'), entry('l/x')], 'through a symbolic link'],
    ['a file through a link that comes after it', [entry('l/x'), link('l', 'a')], 'through a symbolic link'],
    ['a file through a link far above it', [link('l', '.'), entry('l/a/b/c/x')], 'through a symbolic link'],
    ['a file at a link', [link('l', 'target'), entry('l', { content: 'x' })], 'comes twice'],
    ['a name of 256 bytes', [entry('ü'.repeat(128))], 'more than 255 bytes'],
    ['a path of 4,096 bytes', [entry(nested(40, 'x'.repeat(110)))], 'more than 4096 bytes'],
  ])('that holds %s is refused before anything is written', async (_what, hostile, reason) => {
    await expect(unpack([entry('harmless', { content: 'x' }), ...hostile])).rejects.toThrow(reason);
    expect(await readdir(folder)).toEqual([]);
    expect(await readdir(scratch)).toEqual(expect.arrayContaining(['a.tar.gz', 'into']));
    expect(await readdir(scratch)).toHaveLength(2);
  });

  it('with headers too large for the parser is refused, as an entry would lose its name', async () => {
    const extended = new Pax({ path: `${'x'.repeat(100)}/`.repeat(12_000) }).encode();
    await expect(unpack([extended, entry('innocent')])).rejects.toThrow('unknown kind');
  });

  it('is stopped while it is read, not after: more entries than the limit, more bytes, twice compressed', async () => {
    await expect(unpack(Array.from({ length: 10_001 }, (_, index) => entry(`${index}`)))).rejects.toThrow(
      'more than 10000 entries',
    );
    // The headers alone say it; the content is never looked for.
    const sum = [entry('a', { content: 'x' }), entry('big', { size: 512 * 1024 * 1024 })];
    await expect(unpack(gzipSync(Buffer.concat(sum)))).rejects.toThrow('unpacks to more than 536870912 bytes');
    await expect(unpack(gzipSync(gzipSync(entry('a'))))).rejects.toThrow('compressed twice');
    expect(await readdir(folder)).toEqual([]);
  });

  it('that hides its bytes in headers is stopped as well', async () => {
    const comment = new Pax({ comment: 'x'.repeat(100_000) }).encode();
    const file = join(scratch, 'bomb.tar.gz');
    await writeFile(file, gzipSync(Buffer.concat(Array.from({ length: 100 }, () => comment))));
    await expect(readArchive(file, 'the archive', async () => undefined, 1_000_000)).rejects.toThrow(
      'unpacks to more than 1000000 bytes with its headers',
    );
  });

  it.each<[string, Buffer]>([
    ['is empty', Buffer.alloc(0)],
    ['is no archive', Buffer.from('this is neither gzip nor tar')],
    ['is compressed, but no archive', gzipSync('x'.repeat(2000))],
    ['breaks off', gzipSync(Buffer.concat([entry('a', { content: 'x'.repeat(5000) })])).subarray(0, 60)],
    ['breaks off within a file', gzipSync(entry('a', { content: 'x'.repeat(5000) }).subarray(0, 2048))],
  ])('that %s is refused', async (_what, archive) => {
    await expect(unpack(archive)).rejects.toThrow('cannot be read');
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('an archive of code', () => {
  it('holds no link at all', async () => {
    await expect(unpack([entry('a'), link('l', 'a')], false)).rejects.toThrow('is a SymbolicLink');
    expect(await readdir(folder)).toEqual([]);
  });
});
