import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as tar from 'tar';
import { beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../lib/json.ts';
import { makeCodeArchive } from '../../../lib/project/code-archive.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

let root: string;
beforeEach(() => {
  root = temporaryFolder();
});

function folder(name: string, files: Readonly<Record<string, string>>): string {
  const dir = join(root, name);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), content);
  }
  return dir;
}

interface Entry {
  readonly path: string;
  readonly mode: number | undefined;
  readonly mtime: Date | undefined;
  readonly uid: number | undefined;
}

function entriesOf(file: string): Entry[] {
  const entries: Entry[] = [];
  tar.list({
    file,
    sync: true,
    onReadEntry: ({ path, mode, mtime, uid }) => entries.push({ path, mode, mtime, uid }),
  });
  return entries;
}

const archive = (dir: string) => makeCodeArchive(dir, join(root, 'out'));

describe('a code archive', () => {
  it('is named by the hash of its bytes', () => {
    const { file, sha256: hash } = archive(folder('a', { 'plan.py': 'print(1)' }));
    expect(hash).toBe(sha256(readFileSync(file)));
    expect(readdirSync(join(root, 'out'))).toEqual([`${hash}.tar.gz`]);
  });

  it('leaves out what it is told to', () => {
    const dir = folder('a', { 'plan.py': '1', 'vendor/other.so': '2', 'vendor/pack.py': '3' });
    const { file } = makeCodeArchive(dir, join(root, 'out'), (path) => path === 'vendor/other.so');
    expect(entriesOf(file).map(({ path }) => path)).toEqual(['plan.py', 'vendor/pack.py']);
  });

  it('is made again when the one that was made before is gone or damaged', () => {
    const dir = folder('a', { 'plan.py': 'print(1)' });
    const { file, sha256: hash } = archive(dir);
    writeFileSync(file, 'damaged');
    expect(archive(dir)).toEqual({ file, sha256: hash });
    expect(sha256(readFileSync(file))).toBe(hash);
  });

  it('has the same bytes for the same files, whatever their times and the order they were made in', () => {
    const first = folder('first', { 'a.py': '1', 'lib/b.py': '2' });
    const second = folder('second', { 'lib/b.py': '2', 'a.py': '1' });
    utimesSync(join(second, 'a.py'), 1, 1);
    chmodSync(join(second, 'a.py'), 0o600);
    expect(archive(second)).toEqual(archive(first));
  });

  it.each([
    ['content', { 'a.py': '2' }],
    ['name', { 'b.py': '1' }],
    ['place', { 'lib/a.py': '1' }],
  ])('has another hash for another %s', (_what, files) => {
    expect(archive(folder('changed', files)).sha256).not.toBe(archive(folder('first', { 'a.py': '1' })).sha256);
  });

  it('keeps the executable bit', () => {
    const dir = folder('tools', { 'run.sh': '#!/bin/sh', 'data.txt': '' });
    chmodSync(join(dir, 'run.sh'), 0o755);
    expect(entriesOf(archive(dir).file).map(({ path, mode }) => [path, mode])).toEqual([
      ['data.txt', 0o644],
      ['run.sh', 0o755],
    ]);
  });

  it('tells neither times nor owners, in the gzip header neither', () => {
    const { file } = archive(folder('a', { 'a.py': '1' }));
    expect(entriesOf(file).map(({ mtime, uid }) => [mtime?.getTime(), uid])).toEqual([[0, undefined]]);
    const header = readFileSync(file).subarray(0, 10);
    // Time 0, and no name of a file.
    expect([header.readUInt32LE(4), header[3]]).toEqual([0, 0]);
    expect(gunzipSync(readFileSync(file)).length).toBeGreaterThan(0);
  });

  it('leaves out what running the code leaves behind', () => {
    const dir = folder('a', {
      'a.py': '1',
      '__pycache__/a.cpython-311.pyc': 'x',
      'lib/old.pyc': 'x',
      '.DS_Store': 'x',
    });
    expect(entriesOf(archive(dir).file).map(({ path }) => path)).toEqual(['a.py']);
  });

  it('fails when the folder is empty', () => {
    mkdirSync(join(root, 'empty'));
    expect(() => archive(join(root, 'empty'))).toThrow(expect.objectContaining({ code: 'invalid_code' }));
  });

  it('fails when a link leads out of the folder, or anywhere', () => {
    const dir = folder('a', { 'a.py': '1' });
    symlinkSync('/etc/passwd', join(dir, 'secrets'));
    expect(() => archive(dir)).toThrow(
      expect.objectContaining({ code: 'invalid_code', message: expect.stringContaining(join(dir, 'secrets')) }),
    );
  });
});
