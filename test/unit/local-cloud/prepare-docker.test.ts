import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareDocker } from '../../../lib/local-cloud/prepare-docker.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

/** A project with the image `report`, and what its `cdk.json` says of images. */
function project(images: unknown): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'images/report'), { recursive: true });
  writeFileSync(join(folder, 'images/report/Dockerfile'), 'FROM debian\nCOPY --from=wflo-runner /opt/wflo /opt/wflo\n');
  writeFileSync(join(folder, 'cdk.json'), JSON.stringify({ context: { 'wflo:sandbox-images': images } }));
  return folder;
}

/** An environment whose `docker` writes down what it is to build, and does what the script says. */
function fakeDocker(script = 'exit 0'): { readonly env: NodeJS.ProcessEnv; readonly builds: () => string } {
  const bin = temporaryFolder();
  const log = join(bin, 'log');
  writeFileSync(log, '');
  const text = `#!/bin/sh\ncase $1 in version) exit 0;; image) exit 1;; build) echo "$@" >> ${log};; esac\n${script}\n`;
  writeFileSync(join(bin, 'docker'), text, { mode: 0o755 });
  return { env: { PATH: `${bin}:/usr/bin:/bin` }, builds: () => readFileSync(log, 'utf8') };
}

const report = () => undefined;
const linux = { platform: 'linux', ping: async () => '1' } as const;

describe('a start with Docker', () => {
  it('builds our images and those of the project, under the names that a local deployment has', async () => {
    const { env, builds } = fakeDocker();
    await prepareDocker({ projectDir: project({ report: './images/report' }), env, report }, linux);
    expect([...builds().matchAll(/--tag (\S+)/g)].map(([, tag]) => tag)).toEqual([
      'wflo/python:local',
      'wflo/node:local',
      'wflo/runner:local',
      'wflo/report:local',
    ]);
  });

  it('builds ours where the project declares none', async () => {
    const built: object[] = [];
    const build = async (_env: object, images: object) => built.push(images);
    await prepareDocker({ projectDir: project(undefined), env: {}, report }, { ...linux, build });
    expect(built).toEqual([{}]);
  });

  it('refuses a declaration as a deployment does, before anything is built', async () => {
    const { env, builds } = fakeDocker();
    for (const [images, code] of [
      [{ report: './images/missing' }, 'invalid_image'],
      [['report'], 'invalid_settings'],
    ] as const)
      await expect(prepareDocker({ projectDir: project(images), env, report }, linux)).rejects.toMatchObject({ code });
    expect(builds()).toBe('');
  });

  it('tells the image that cannot be built, with the words of Docker', async () => {
    const { env } = fakeDocker('echo "no such package" >&2; exit 1');
    await expect(prepareDocker({ projectDir: project({}), env, report }, linux)).rejects.toMatchObject({
      code: 'local_setup_failed',
      message: expect.stringMatching(/wflo\/python:local could not be built:\n.*no such package/s),
      fix: expect.stringContaining('Dockerfile'),
    });
  });

  it('needs Linux and an engine that answers', async () => {
    const start = (outside: Parameters<typeof prepareDocker>[1]) =>
      prepareDocker({ projectDir: project({}), env: {}, report }, { ...linux, ...outside });
    await expect(start({ platform: 'darwin' })).rejects.toMatchObject({ code: 'local_setup_failed' });
    const ping = async () => {
      throw new Error('no such socket');
    };
    await expect(start({ ping })).rejects.toMatchObject({ code: 'local_setup_failed', message: 'no such socket' });
  });
});
