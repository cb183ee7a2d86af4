import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The images that ours are built on. */
export const BASE_IMAGES_FILE = fileURLToPath(new URL('base-images.json', import.meta.url));

export interface BaseImage {
  readonly name: string;
  readonly tag: string;
  /** `sha256:…` of the index or manifest; null: whatever the tag names at the time of the build. */
  readonly digest: string | null;
}

export type BaseImages = Readonly<Record<string, BaseImage>>;

export async function readBaseImages(): Promise<BaseImages> {
  return JSON.parse(await readFile(BASE_IMAGES_FILE, 'utf8'));
}

/** As a Dockerfile names it. The tag stays for people; where there is a digest, it alone decides. */
export function imageReference({ name, tag, digest }: BaseImage): string {
  return digest === null ? `${name}:${tag}` : `${name}:${tag}@${digest}`;
}

/** `WFLO_NODE_IMAGE` for `node`. */
export function argumentName(base: string): string {
  return `WFLO_${base.toUpperCase()}_IMAGE`;
}
