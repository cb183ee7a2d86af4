import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Component } from './cyclonedx.ts';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/**
 * One component per npm package that has a file among these, and per dependency of such a package: some are published
 * as one file that holds theirs. Files outside `node_modules` belong to nobody.
 */
export async function npmComponents(files: readonly string[]): Promise<Component[]> {
  const found = new Map<string, Manifest>();
  const waiting = files.map(packageFolder).filter((folder) => folder !== undefined);
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    if (found.has(folder)) continue;
    const manifest: Manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    found.set(folder, manifest);
    for (const name of Object.keys(manifest.dependencies ?? {})) waiting.push(installedAt(name, folder));
  }
  return [...found.values()].map(componentOf).sort((a, b) => (`${a.purl}` < `${b.purl}` ? -1 : 1));
}

function componentOf({ name, version, license }: Manifest): Component {
  return {
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${encodeURIComponent(version)}`,
    ...(typeof license === 'string' ? { licence: license } : {}),
  };
}

/** Where Node would find a dependency of the package in this folder. */
function installedAt(name: string, folder: string): string {
  for (let parent = folder; parent !== dirname(parent); parent = dirname(parent)) {
    const candidate = join(parent, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
  }
  throw new Error(`the dependency "${name}" of ${folder} is not installed`);
}

/** The folder of the package that holds a file: below the last `node_modules` of its path. */
function packageFolder(file: string): string | undefined {
  const match = /^(.*(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(`${dirname(file)}/`);
  return match?.[1];
}
