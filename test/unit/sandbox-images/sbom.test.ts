import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildRunner } from '../../../sandbox-images/runner/build.ts';
import { bomText, type Component, componentsOf } from '../../../sandbox-images/sbom/cyclonedx.ts';
import {
  debianComponent,
  debianPackages,
  distributionOf,
  licenceOfCopyright,
} from '../../../sandbox-images/sbom/debian-components.ts';
import { npmComponents } from '../../../sandbox-images/sbom/npm-components.ts';

const subject: Component = { type: 'application', name: 'it', version: '1' };
const a: Component = { type: 'library', name: 'a', version: '1', purl: 'pkg:npm/a@1', licence: 'MIT' };
const b: Component = { type: 'library', name: 'b', version: '2', purl: 'pkg:npm/b@2', licence: 'MIT OR Apache-2.0' };
const c: Component = { type: 'library', name: 'c', version: '3', licence: 'GPL-2+' };

describe('a bill of materials', () => {
  it('is the same text whatever the order, and names each component once', () => {
    expect(bomText(subject, [a, b, c, a])).toBe(bomText(subject, [c, b, a]));
    expect(bomText(subject, [a])).not.toBe(bomText(subject, [b]));
    expect(componentsOf(bomText(subject, [a, b, c]))).toEqual([c, a, b]);
  });

  it('has the shape of CycloneDX 1.5', () => {
    const document = JSON.parse(bomText(subject, [a, b, c]));
    expect(document).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5', version: 1 });
    expect(document.serialNumber).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(document.components.map((component: { licenses: unknown }) => component.licenses)).toEqual([
      [{ license: { name: 'GPL-2+' } }],
      [{ license: { id: 'MIT' } }],
      [{ expression: 'MIT OR Apache-2.0' }],
    ]);
  });

  it('of something else is refused', () => {
    expect(() => componentsOf('{}')).toThrow('not a CycloneDX document');
  });
});

describe('the npm packages of a bundle', () => {
  it('are those that have a file in it, with what they depend on', async () => {
    const root = await mkdtemp(join(tmpdir(), 'wflo-npm-'));
    const manifest = async (folder: string, content: object): Promise<void> => {
      await mkdir(join(root, folder), { recursive: true });
      await writeFile(join(root, folder, 'package.json'), JSON.stringify(content));
    };
    await manifest('node_modules/outer', {
      name: 'outer',
      version: '1.0.0',
      license: 'ISC',
      dependencies: { '@x/y': '2' },
    });
    await manifest('node_modules/outer/node_modules/@x/y', { name: '@x/y', version: '2.0.0', license: 'MIT' });
    await manifest('node_modules/@x/y', { name: '@x/y', version: '1.0.0', license: 'MIT' });
    await manifest('node_modules/unused', { name: 'unused', version: '9.0.0' });
    expect(await npmComponents([join(root, 'src/own.ts'), join(root, 'node_modules/outer/dist/index.js')])).toEqual([
      { type: 'library', name: '@x/y', version: '2.0.0', purl: 'pkg:npm/%40x/y@2.0.0', licence: 'MIT' },
      { type: 'library', name: 'outer', version: '1.0.0', purl: 'pkg:npm/outer@1.0.0', licence: 'ISC' },
    ]);
  });

  it('of the runner are known, each with its licence', async () => {
    const files = await buildRunner(join(await mkdtemp(join(tmpdir(), 'wflo-bundle-')), 'runner.mjs'));
    for (const component of await npmComponents(files)) {
      expect(component).toMatchObject({ version: expect.stringMatching(/^\d/), licence: expect.any(String) });
    }
    expect(files.some((file) => file.endsWith('sandbox-images/runner/src/main.ts'))).toBe(true);
  });
});

describe('the packages of Debian', () => {
  const status = `Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u14
Description: library
 Version: of something else

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: libstdc++6
Architecture: arm64
Version: 1:12.2.0-14
`;
  const osRelease = 'PRETTY_NAME="Debian"\nID=debian\nVERSION_ID="12"\n';

  it('are those that are installed', () => {
    expect(debianPackages(status)).toEqual([
      { name: 'libc6', version: '2.36-9+deb12u14', architecture: 'amd64' },
      { name: 'libstdc++6', version: '1:12.2.0-14', architecture: 'arm64' },
    ]);
    expect(debianPackages('\n\n')).toEqual([]);
  });

  it('have a package URL that a scanner finds', () => {
    expect(debianPackages(status).map((found) => debianComponent(found, osRelease).purl)).toEqual([
      'pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12',
      'pkg:deb/debian/libstdc%2B%2B6@1%3A12.2.0-14?arch=arm64&distro=debian-12',
    ]);
    expect(distributionOf('ID=ubuntu\nVERSION_ID="24.04"\n')).toEqual({ id: 'ubuntu', version: '24.04' });
  });

  it('have the licences that their copyright file names', () => {
    expect(licenceOfCopyright('Files: *\nLicense: GPL-2+\n text\n\nLicense: BSD\nLicense: GPL-2+\n')).toBe(
      'BSD, GPL-2+',
    );
    expect(licenceOfCopyright('free words')).toBeUndefined();
  });
});
