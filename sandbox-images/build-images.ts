import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSandboxContext, type CustomImages } from './build-context.ts';
import { docker, lastLines } from './docker.ts';

/** Holds the hash of the build context that an image was made of. */
export const CONTEXT_LABEL = 'dev.wflo.context';

export interface BuildImagesOptions {
  /** Environment of the Docker client. */
  readonly env: NodeJS.ProcessEnv;
  /** One line per image. */
  readonly report: (text: string) => void;
  readonly customImages?: CustomImages;
}

/** Name and tag under which the local AWS starts an image. */
export function localTag(image: string): string {
  return `wflo/${image}:local`;
}

/**
 * Builds `wflo/<image>:local` for every image, those of the deployment included. An image whose build context has not
 * changed is left alone. Returns the tags by image. Throws an `Error` with the last words of Docker where no engine
 * answers or a build fails.
 */
export async function buildImages(options: BuildImagesOptions): Promise<Readonly<Record<string, string>>> {
  const { env, report, customImages = {} } = options;
  const engine = await docker(['version', '--format', '{{.Server.Version}}'], env);
  if (engine.code !== 0) throw new Error(`no Docker engine answers: ${lastLines(engine, 1)}`);
  const outDir = await mkdtemp(join(tmpdir(), 'wflo-images-'));
  try {
    const tags: Record<string, string> = {};
    for (const [image, folder] of Object.entries(await buildSandboxContext(outDir, customImages))) {
      const tag = localTag(image);
      const hash = await hashOfFolder(folder);
      if ((await contextOf(tag, env)) === hash) {
        report(`${tag} is up to date`);
      } else {
        const built = await docker(['build', '--label', `${CONTEXT_LABEL}=${hash}`, '--tag', tag, folder], env);
        if (built.code !== 0) throw new Error(`the image ${tag} could not be built:\n${lastLines(built)}`);
        report(`${tag} built`);
      }
      tags[image] = tag;
    }
    return tags;
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
}

async function contextOf(tag: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const format = `{{index .Config.Labels "${CONTEXT_LABEL}"}}`;
  const found = await docker(['image', 'inspect', '--format', format, tag], env);
  return found.code === 0 ? found.stdout.trim() : undefined;
}

/** Names, modes and bytes of all files, and where links point. Hex SHA-256. */
export async function hashOfFolder(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => ({ file: join(entry.parentPath, entry.name), link: entry.isSymbolicLink() }))
    .sort((a, b) => (a.file < b.file ? -1 : 1));
  for (const { file, link } of names) {
    const content = link ? Buffer.from(await readlink(file)) : await readFile(file);
    const mode = link ? 'link' : String((await stat(file)).mode & 0o111);
    hash.update(`${file.slice(folder.length)}\0${mode}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await buildImages({ env: process.env, report: (text) => console.log(text) });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
