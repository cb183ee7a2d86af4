import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bomText, type Component } from '../sbom/cyclonedx.ts';
import { debianComponent, debianPackages, licenceOfCopyright } from '../sbom/debian-components.ts';
import { TOOLS } from './src/tools.ts';

/**
 * Makes the runner's folder, inside the build stage: `bin/` (node and the tools), `lib/` (every shared library of
 * theirs, and the loader as `ld.so` whatever the architecture calls it), `runner.mjs` and `sbom.cdx.json`. Needs
 * `ldd` and the database of `dpkg`.
 */
const SEARCH_PATH = ['/usr/local/bin', '/usr/bin', '/bin'];
const DPKG = '/var/lib/dpkg';

function assemble(source: string, target: string): void {
  for (const folder of ['bin', 'lib']) mkdirSync(join(target, folder), { recursive: true });
  const programs = [realpathSync(process.execPath), ...TOOLS.map(find)];
  const libraries = new Set<string>();
  for (const program of programs) {
    copy(program, join(target, 'bin', basename(program)));
    for (const library of librariesOf(program)) libraries.add(library);
  }
  for (const library of libraries) {
    copy(library, join(target, 'lib', /\/ld-linux[^/]*$/.test(library) ? 'ld.so' : basename(library)));
  }
  copyFileSync(join(source, 'runner.mjs'), join(target, 'runner.mjs'));
  const packages: { version: string; components: Component[] } = JSON.parse(
    readFileSync(join(source, 'packages.json'), 'utf8'),
  );
  const files = [...programs.slice(1), ...libraries];
  const components = [...packages.components, ...nodeComponents(), ...systemComponents(files)];
  const subject: Component = {
    type: 'application',
    name: 'wflo-runner',
    version: packages.version,
    licence: 'Apache-2.0',
  };
  writeFileSync(join(target, 'sbom.cdx.json'), bomText(subject, components));
}

function find(tool: string): string {
  for (const folder of SEARCH_PATH) {
    if (readdirSync(folder).includes(tool)) return realpathSync(join(folder, tool));
  }
  throw new Error(`the base image has no "${tool}"`);
}

/** `ldd` writes `name => /file (address)`, and the loader as `/file (address)`. */
function librariesOf(program: string): string[] {
  const text = execFileSync('ldd', [program], { encoding: 'utf8', env: { PATH: SEARCH_PATH.join(':'), LC_ALL: 'C' } });
  if (text.includes('not found')) throw new Error(`${program} lacks a library:\n${text}`);
  return [...text.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map((match) => match[1] ?? '');
}

function copy(from: string, to: string): void {
  copyFileSync(from, to);
  chmodSync(to, 0o755);
}

/** Node and what it is linked with, as it says itself. */
function nodeComponents(): Component[] {
  const { node, modules: _abi, ...linked } = process.versions;
  return [
    { type: 'application', name: 'node', version: node, purl: `pkg:generic/node@${node}`, licence: 'MIT' },
    ...Object.entries(linked).flatMap(([name, version]): Component[] =>
      version === undefined
        ? []
        : [{ type: 'library', name, version, purl: `pkg:generic/${name}@${encodeURIComponent(version)}` }],
    ),
  ];
}

/** The Debian packages that these files come from. */
function systemComponents(files: readonly string[]): Component[] {
  const owners = new Map<string, string>();
  for (const list of readdirSync(join(DPKG, 'info')).filter((name) => name.endsWith('.list'))) {
    const owner = list.slice(0, -'.list'.length).split(':', 1)[0] ?? '';
    for (const file of readFileSync(join(DPKG, 'info', list), 'utf8').split('\n')) owners.set(withoutUsr(file), owner);
  }
  const wanted = new Set(
    files.map((file) => {
      const owner = owners.get(withoutUsr(file)) ?? owners.get(withoutUsr(realpathSync(file)));
      if (owner === undefined) throw new Error(`no package owns ${file}`);
      return owner;
    }),
  );
  const osRelease = readFileSync('/etc/os-release', 'utf8');
  return debianPackages(readFileSync(join(DPKG, 'status'), 'utf8'))
    .filter(({ name }) => wanted.has(name))
    .map((found) => debianComponent(found, osRelease, licenceOf(found.name)));
}

/** `/lib` is a link to `/usr/lib`, and packages name either. */
function withoutUsr(file: string): string {
  return file.replace(/^\/usr\//, '/');
}

function licenceOf(name: string): string | undefined {
  try {
    return licenceOfCopyright(readFileSync(`/usr/share/doc/${name}/copyright`, 'utf8'));
  } catch {
    return undefined;
  }
}

const target = process.argv[2];
if (target === undefined) throw new Error('usage: assemble <folder>');
assemble(fileURLToPath(new URL('.', import.meta.url)), target);
