import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { docker, lastLines } from './docker.ts';
import { bomText, componentsOf } from './sbom/cyclonedx.ts';
import { debianComponent, debianPackages } from './sbom/debian-components.ts';

/** Where an image keeps what is read, `dpkg` of images without a package manager included. Nothing in it is run. */
const PARTS = {
  runner: '/opt/wflo/sbom.cdx.json',
  status: '/var/lib/dpkg/status',
  statusFolder: '/var/lib/dpkg/status.d',
  osRelease: '/etc/os-release',
  osReleaseFile: '/usr/lib/os-release',
} as const;

/**
 * A CycloneDX document of everything that can be told about an image: the packages of Debian, and what the runner's
 * folder says of itself. Packages that an image brings in other ways are not seen. Throws an `Error` where there is no
 * such image, or nothing in it can be told.
 */
export async function imageSbom(image: string, env: NodeJS.ProcessEnv): Promise<string> {
  const inspected = await docker(['image', 'inspect', '--format', '{{.Id}}', image], env);
  if (inspected.code !== 0) throw new Error(`there is no image "${image}": ${lastLines(inspected, 1)}`);
  const folder = await mkdtemp(join(tmpdir(), 'wflo-sbom-'));
  // A command is asked for where the image has none; the container is never started.
  const created = await docker(['create', image, 'none'], env);
  try {
    if (created.code !== 0) throw new Error(`the image "${image}" could not be opened: ${lastLines(created, 1)}`);
    const container = created.stdout.trim();
    const text = async (part: keyof typeof PARTS): Promise<string> => {
      const to = join(folder, part);
      const copied = await docker(['cp', '--follow-link', `${container}:${PARTS[part]}`, to], env);
      return copied.code === 0 ? await textAt(to) : '';
    };
    const osRelease = (await text('osRelease')) || (await text('osReleaseFile'));
    const packages = debianPackages(`${await text('status')}\n\n${await text('statusFolder')}`);
    const runner = await text('runner');
    const components = [
      ...packages.map((found) => debianComponent(found, osRelease)),
      ...(runner === '' ? [] : componentsOf(runner)),
    ];
    if (components.length === 0) throw new Error(`the image "${image}" has neither packages of Debian nor the runner`);
    return bomText({ type: 'container', name: image, version: inspected.stdout.trim() }, components);
  } finally {
    if (created.code === 0) await docker(['rm', '--force', '--volumes', created.stdout.trim()], env);
    await rm(folder, { recursive: true, force: true });
  }
}

async function textAt(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return readFile(path, 'utf8');
  const names = (await readdir(path)).filter((name) => !name.endsWith('.md5sums')).sort();
  return (await Promise.all(names.map((name) => readFile(join(path, name), 'utf8')))).join('\n\n');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const image = process.argv[2];
  try {
    if (image === undefined) throw new Error('usage: npm run sbom -- <image>');
    process.stdout.write(await imageSbom(image, process.env));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
