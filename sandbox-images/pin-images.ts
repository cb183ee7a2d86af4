import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { BASE_IMAGES_FILE, type BaseImage, type BaseImages, imageReference, readBaseImages } from './base-images.ts';
import { docker, lastLines } from './docker.ts';

/**
 * The same images with the digests that their tags have at their registry now: that of the index where there is one,
 * so that it holds for every architecture. Throws an `Error` where one cannot be asked for; then nothing is known.
 */
export async function resolveDigests(images: BaseImages, env: NodeJS.ProcessEnv): Promise<BaseImages> {
  const plugin = await docker(['buildx', 'version'], env);
  if (plugin.code !== 0)
    throw new Error('the buildx plugin of Docker is needed to ask a registry; nothing was changed');
  const pinned: Record<string, BaseImage> = {};
  for (const [base, image] of Object.entries(images)) {
    const reference = imageReference({ ...image, digest: null });
    const format = '{{.Manifest.Digest}}';
    const answer = await docker(['buildx', 'imagetools', 'inspect', '--format', format, reference], env);
    const digest = answer.stdout.trim();
    if (answer.code !== 0 || !/^sha256:[0-9a-f]{64}$/.test(digest)) {
      throw new Error(
        `the digest of ${reference} could not be resolved, and nothing was changed:\n${lastLines(answer, 4)}`,
      );
    }
    pinned[base] = { ...image, digest };
  }
  return pinned;
}

/** The file as it is kept: one line per base image. */
export function baseImagesText(images: BaseImages): string {
  const lines = Object.entries(images).map(
    ([base, { name, tag, digest }]) =>
      `  ${JSON.stringify(base)}: { "name": ${JSON.stringify(name)}, "tag": ${JSON.stringify(tag)}, "digest": ${JSON.stringify(digest)} }`,
  );
  return `{\n${lines.join(',\n')}\n}\n`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const pinned = await resolveDigests(await readBaseImages(), process.env);
    await writeFile(BASE_IMAGES_FILE, baseImagesText(pinned));
    for (const image of Object.values(pinned)) console.log(imageReference(image));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
