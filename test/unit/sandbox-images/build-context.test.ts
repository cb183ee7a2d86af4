import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { imageReference, readBaseImages } from '../../../sandbox-images/base-images.ts';
import { buildSandboxContext } from '../../../sandbox-images/build-context.ts';
import { hashOfFolder } from '../../../sandbox-images/build-images.ts';
import { composeDockerfile } from '../../../sandbox-images/dockerfile.ts';
import { baseImagesText, resolveDigests } from '../../../sandbox-images/pin-images.ts';

const folder = (name: string): Promise<string> => mkdtemp(join(tmpdir(), `wflo-${name}-`));
const COPY = 'COPY --from=wflo-runner /opt/wflo /opt/wflo';

async function customImage(files: Readonly<Record<string, string>>): Promise<string> {
  const made = await folder('custom');
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(made, name, '..'), { recursive: true });
    await writeFile(join(made, name), text);
  }
  return made;
}

describe('build contexts', () => {
  it('are complete, and the same bytes for the same sources', async () => {
    const custom = await customImage({
      Dockerfile: `FROM debian\n${COPY}\nCOPY data /data\n`,
      'data/file': 'x',
      '.dockerignore': '*\n!data\n',
    });
    const [one, two] = [
      await buildSandboxContext(await folder('a'), { mine: custom }),
      await buildSandboxContext(await folder('b'), { mine: custom }),
    ];
    expect(Object.keys(one)).toEqual(['python', 'node', 'runner', 'mine']);
    for (const image of ['python', 'node', 'runner', 'mine'] as const) {
      const dockerfile = await readFile(join(one[image], 'Dockerfile'), 'utf8');
      expect(dockerfile).toContain(COPY);
      expect(dockerfile.match(/ AS wflo-runner$/gm)).toHaveLength(1);
      // The classic builder knows neither.
      expect(dockerfile).not.toMatch(/<<|--mount/);
      expect(await readdir(join(one[image], 'wflo-runner'))).toEqual(['assemble.mjs', 'packages.json', 'runner.mjs']);
      expect(await hashOfFolder(one[image])).toBe(await hashOfFolder(two[image]));
    }
    expect(await readFile(join(one.mine, 'data/file'), 'utf8')).toBe('x');
    expect(await readFile(join(one.mine, '.dockerignore'), 'utf8')).toBe('*\n!data\n!wflo-runner\n!wflo-runner/**\n');
  });

  it('differ where a file or its mode does', async () => {
    const made = await customImage({ Dockerfile: 'FROM scratch\n', agent: 'x' });
    const before = await hashOfFolder(made);
    await writeFile(join(made, 'agent'), 'y');
    const changed = await hashOfFolder(made);
    await writeFile(join(made, 'another'), '', { mode: 0o755 });
    expect(new Set([before, changed, await hashOfFolder(made)]).size).toBe(3);
  });

  it('are refused for a name that is taken, and for a folder without a Dockerfile', async () => {
    const out = await folder('out');
    const custom = await customImage({ Dockerfile: 'FROM scratch\n' });
    await expect(buildSandboxContext(out, { python: custom })).rejects.toThrow('choose another name');
    await expect(buildSandboxContext(out, { mine: await folder('none') })).rejects.toThrow('has no Dockerfile');
    const empty = await customImage({ Dockerfile: '# nothing\n' });
    await expect(buildSandboxContext(out, { mine: empty })).rejects.toThrow('FROM');
  });
});

describe('a composed Dockerfile', () => {
  it('keeps directives first and global arguments before every stage', () => {
    const own = '# escape=`\n# syntax=docker/dockerfile:1\nARG BASE=debian\n\nFROM ${BASE} AS tools\nFROM ${BASE}\n';
    const composed = composeDockerfile(own, 'FROM ${WFLO_NODE_IMAGE} AS wflo-runner\n', {
      node: { name: 'registry/node', tag: '22', digest: `sha256:${'a'.repeat(64)}` },
    });
    expect(composed.split('\n').filter((line) => line !== '')).toEqual([
      '# escape=`',
      '# syntax=docker/dockerfile:1',
      'ARG BASE=debian',
      `ARG WFLO_NODE_IMAGE=registry/node:22@sha256:${'a'.repeat(64)}`,
      'FROM ${WFLO_NODE_IMAGE} AS wflo-runner',
      'FROM ${BASE} AS tools',
      'FROM ${BASE}',
    ]);
  });
});

describe('base images', () => {
  it('are named by tag, and pinned by digest where there is one', async () => {
    const image = { name: 'registry/x', tag: '1', digest: null };
    expect(imageReference(image)).toBe('registry/x:1');
    expect(imageReference({ ...image, digest: 'sha256:abc' })).toBe('registry/x:1@sha256:abc');
  });

  it('are written as they are kept', async () => {
    const images = await readBaseImages();
    expect(JSON.parse(baseImagesText(images))).toEqual(images);
  });

  it('get the digests that a registry tells, and no others', async () => {
    const images = { x: { name: 'registry/x', tag: '1', digest: 'sha256:old' } };
    const digest = `sha256:${'b'.repeat(64)}`;
    expect(await resolveDigests(images, await fakeDocker(`echo ${digest}`))).toEqual({ x: { ...images.x, digest } });
    await expect(resolveDigests(images, await fakeDocker('echo nothing'))).rejects.toThrow('nothing was changed');
    await expect(resolveDigests(images, await fakeDocker('echo no route >&2; exit 1'))).rejects.toThrow('no route');
  });
});

/** An environment whose `docker buildx imagetools` is this script; it fails for a reference that is pinned already. */
async function fakeDocker(script: string): Promise<NodeJS.ProcessEnv> {
  const bin = await folder('docker');
  const text = `#!/bin/sh\n[ "$2" = version ] && exit 0\ncase "$*" in *@*) exit 9;; esac\n${script}\n`;
  await writeFile(join(bin, 'docker'), text, { mode: 0o755 });
  return { PATH: `${bin}:/usr/bin:/bin` };
}
