import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readBaseImages } from './base-images.ts';
import { admitRunnerFolder, composeDockerfile, RUNNER_FOLDER } from './dockerfile.ts';
import { buildAssembler, buildRunner } from './runner/build.ts';
import { npmComponents } from './sbom/npm-components.ts';

/** The images that a step can name without declaring one, and the runner image that custom images copy from. */
export const SANDBOX_IMAGES = ['python', 'node', 'runner'] as const;
export type SandboxImage = (typeof SANDBOX_IMAGES)[number];

/** Images of a deployment: name and folder with a `Dockerfile`. */
export type CustomImages = Readonly<Record<string, string>>;

/**
 * Lays out one Docker build context per image: `<outDir>/<image>/{Dockerfile,wflo-runner/…}`, for a custom image with
 * everything else of its folder. The stage `wflo-runner` stands in front of each Dockerfile. Each folder is complete, so
 * it is also the folder of a CDK Docker asset, and the classic builder can build it. What was in these folders before is
 * removed. Returns the folders by image. Throws an `Error` where a custom image has no usable Dockerfile or the name of
 * one of ours.
 */
export async function buildSandboxContext<const Custom extends CustomImages = Record<never, string>>(
  outDir: string,
  customImages?: Custom,
): Promise<Readonly<Record<SandboxImage | Extract<keyof Custom, string>, string>>> {
  const ours = SANDBOX_IMAGES.map((image) => [image, fileURLToPath(new URL(image, import.meta.url))] as const);
  const custom = Object.entries(customImages ?? {});
  const runner = join(outDir, '.runner');
  await rm(runner, { recursive: true, force: true });
  await layOutRunner(runner);
  const runnerStage = await readFile(new URL('runner/stage.Dockerfile', import.meta.url), 'utf8');
  const bases = await readBaseImages();
  const folders: Record<string, string> = {};
  for (const [image, source] of [...ours, ...custom]) {
    if (folders[image] !== undefined) throw new Error(`the image "${image}" is one of Wflo's own: choose another name`);
    const folder = join(outDir, image);
    const own = await readFile(join(source, 'Dockerfile'), 'utf8').catch(() => {
      throw new Error(`the image "${image}" has no Dockerfile in ${source}`);
    });
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    if (custom.some(([name]) => name === image)) await copyOwnFiles(source, folder);
    await writeFile(join(folder, 'Dockerfile'), composeDockerfile(own, runnerStage, bases));
    await cp(runner, join(folder, RUNNER_FOLDER), { recursive: true });
    folders[image] = folder;
  }
  await rm(runner, { recursive: true });
  return folders as Record<SandboxImage | Extract<keyof Custom, string>, string>;
}

async function layOutRunner(folder: string): Promise<void> {
  const files = await buildRunner(join(folder, 'runner.mjs'));
  await buildAssembler(join(folder, 'assemble.mjs'));
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  const packages = { version, components: await npmComponents(files) };
  await writeFile(join(folder, 'packages.json'), `${JSON.stringify(packages, null, 2)}\n`);
}

async function copyOwnFiles(source: string, folder: string): Promise<void> {
  await cp(source, folder, { recursive: true, verbatimSymlinks: true });
  const ignore = await readFile(join(source, '.dockerignore'), 'utf8').catch(() => undefined);
  if (ignore !== undefined) await writeFile(join(folder, '.dockerignore'), admitRunnerFolder(ignore));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(JSON.stringify(await buildSandboxContext(process.argv[2] ?? 'build/sandbox-images')));
}
