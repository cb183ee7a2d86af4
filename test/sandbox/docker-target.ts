import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dockerDriver } from '../../lib/local-cloud/sandbox-host/docker-driver.ts';
import { buildImages } from '../../sandbox-images/build-images.ts';
import { docker } from '../../sandbox-images/docker.ts';
import { prepareCompiledImage } from '../_helpers/compiled-image.ts';
import { runnerLog } from './runner-log.ts';
import type { Target } from './target.ts';

/** Builds the images first. Throws where no Docker engine answers. `modelsUrl`: what sandboxes reach as their gateway. */
export async function dockerTarget(modelsUrl?: string): Promise<Target> {
  const workFolder = await mkdtemp(join(tmpdir(), 'wflo-docker-driver-'));
  const compiled = await prepareCompiledImage(join(workFolder, 'compiled'));
  const hostile = fileURLToPath(new URL('../images/hostile', import.meta.url));
  const tags = await buildImages({ env: process.env, report: () => undefined, customImages: { compiled, hostile } });
  const log = runnerLog();
  // The objects of the tests are served beside their API, without signatures.
  const isObject = (url: URL): boolean => url.pathname.startsWith('/objects/');
  const driver = await dockerDriver({
    workFolder,
    env: process.env,
    log: log.write,
    isObject,
    ...(modelsUrl === undefined ? {} : { modelsUrl }),
    scratchBytes: 256 * 1024 * 1024,
  });
  return {
    name: 'docker',
    driver,
    imageOf: (image) => tags[image] ?? `no image ${image}`,
    async killRunner(taskId) {
      const names = (await containersOf(taskId)).filter((name) => !name.endsWith('-relay'));
      const { code, stderr } = await docker(['kill', ...names], process.env);
      if (code !== 0) throw new Error(stderr);
    },
    remains: containersOf,
    said: log.said,
    async close() {
      await driver.close();
      await rm(workFolder, { recursive: true, force: true });
    },
  };
}

/** Names of the containers of a task, running or not. */
async function containersOf(taskId: string): Promise<string[]> {
  const { code, stdout, stderr } = await docker(
    ['ps', '--all', '--filter', `name=${taskId}`, '--format', '{{.Names}}'],
    process.env,
  );
  if (code !== 0) throw new Error(stderr);
  return stdout.split('\n').filter((name) => new RegExp(`${taskId}(-|$)`).test(name));
}
