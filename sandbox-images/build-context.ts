import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildRunner } from './runner/build.ts';

/** The images that a step can name without declaring one, and the runner image that custom images copy from. */
export const SANDBOX_IMAGES = ['python', 'node', 'runner'] as const;
export type SandboxImage = (typeof SANDBOX_IMAGES)[number];

/**
 * Lays out one Docker build context per image: `<outDir>/<image>/{Dockerfile,runner.mjs}`. Each folder is complete,
 * so it is also the folder of a CDK Docker asset. What was in these folders before is removed. Returns the folders.
 */
export async function buildSandboxContext(outDir: string): Promise<Readonly<Record<SandboxImage, string>>> {
  const folders: Record<SandboxImage, string> = {
    python: join(outDir, 'python'),
    node: join(outDir, 'node'),
    runner: join(outDir, 'runner'),
  };
  const bundle = join(outDir, 'runner.mjs');
  await buildRunner(bundle);
  for (const image of SANDBOX_IMAGES) {
    await rm(folders[image], { recursive: true, force: true });
    await mkdir(folders[image], { recursive: true });
    await copyFile(fileURLToPath(new URL(`${image}/Dockerfile`, import.meta.url)), join(folders[image], 'Dockerfile'));
    await copyFile(bundle, join(folders[image], 'runner.mjs'));
  }
  await rm(bundle);
  return folders;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(JSON.stringify(await buildSandboxContext(process.argv[2] ?? 'build/sandbox-images')));
}
