import type { Component } from './cyclonedx.ts';

/** A Debian package as `dpkg` keeps it. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}

/** The installed packages of a `dpkg` status file (or of a file of `status.d`, which has no status line). */
export function debianPackages(status: string): DebianPackage[] {
  return status
    .split(/\n{2,}/)
    .map((paragraph) => new Map(paragraph.split('\n').map((line) => [line.split(':', 1)[0] ?? '', afterColon(line)])))
    .filter((fields) => fields.has('Package') && / installed$/.test(` ${fields.get('Status') ?? 'installed'}`))
    .map((fields) => ({
      name: fields.get('Package') ?? '',
      version: fields.get('Version') ?? '',
      architecture: fields.get('Architecture') ?? '',
    }));
}

/** `osRelease` is the text of `/etc/os-release`; a package belongs to the distribution that it names. */
export function debianComponent(found: DebianPackage, osRelease: string, licence?: string): Component {
  const { id, version } = distributionOf(osRelease);
  const qualifiers = `arch=${found.architecture}${version === '' ? '' : `&distro=${id}-${version}`}`;
  return {
    type: 'library',
    name: found.name,
    version: found.version,
    purl: `pkg:deb/${id}/${found.name.replaceAll('+', '%2B')}@${encodeURIComponent(found.version)}?${qualifiers}`,
    ...(licence === undefined ? {} : { licence }),
  };
}

export function distributionOf(osRelease: string): { readonly id: string; readonly version: string } {
  const field = (name: string): string => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(osRelease)?.[1] ?? '';
  return { id: field('ID') || 'debian', version: field('VERSION_ID') };
}

/** The licences that a machine-readable copyright file names, joined; undefined where it names none. */
export function licenceOfCopyright(copyright: string): string | undefined {
  const names = [...copyright.matchAll(/^License:[ \t]*(\S.*)$/gm)].map((match) => match[1]?.trim() ?? '');
  return names.length === 0 ? undefined : [...new Set(names)].sort().join(', ');
}

function afterColon(line: string): string {
  return line.slice(line.indexOf(':') + 1).trim();
}
