import { ARCHIVE_BYTES_LIMIT, ARCHIVE_ENTRIES_LIMIT, tooLong } from './archive-limits.ts';
import { staysInside } from './links.ts';
import { type ArchiveEntry, ArchiveRefused } from './read-archive.ts';

export interface ArchiveRules {
  /** For messages: `the code archive`. */
  readonly what: string;
  /** Where it will be unpacked. */
  readonly folder: string;
  /** Symbolic links that stay inside are taken. */
  readonly links: boolean;
}

/**
 * Judges an archive before anything of it is written: files and folders with relative names, each name once, and links
 * where the rules allow them. Hard links, devices, pipes, absolute names and `..` are refused, and so is what passes
 * the limits or would be written through a link. Throws `ArchiveRefused`.
 */
export class ArchiveCheck {
  readonly #rules: ArchiveRules;
  readonly #types = new Map<string, 'file' | 'folder' | 'link'>();
  readonly #links = new Map<string, string>();
  #entries = 0;
  #bytes = 0;

  constructor(rules: ArchiveRules) {
    this.#rules = rules;
  }

  add(entry: ArchiveEntry): void {
    const { what, folder } = this.#rules;
    const path = plainPath(entry.path);
    // The folder itself is none of what is in it.
    if (path !== '') this.#entries += 1;
    this.#bytes += entry.size;
    if (this.#entries > ARCHIVE_ENTRIES_LIMIT) {
      throw new ArchiveRefused(`${what} has more than ${ARCHIVE_ENTRIES_LIMIT} entries`);
    }
    if (this.#bytes > ARCHIVE_BYTES_LIMIT) {
      throw new ArchiveRefused(`${what} unpacks to more than ${ARCHIVE_BYTES_LIMIT} bytes`);
    }
    const type = this.#typeOf(entry);
    if (entry.path.includes('\0')) this.#refuse(entry.path, 'has a name with a NUL');
    if (entry.path.startsWith('/')) this.#refuse(entry.path, 'is an absolute name');
    if (entry.path.split(/[/\\]/).includes('..')) this.#refuse(entry.path, 'leads out of its folder');
    const long = tooLong(folder, path);
    if (long !== undefined) this.#refuse(`${path.slice(0, 100)}…`, long);
    if (path === '' && type !== 'folder') this.#refuse(entry.path, 'is no name');
    if (this.#types.has(path)) this.#refuse(path, 'comes twice');
    this.#types.set(path, type);
    if (type === 'link') this.#links.set(path, entry.linkpath ?? '');
  }

  /** To be called once, after the last entry: what a link means depends on all of them. */
  end(): void {
    for (const path of this.#types.keys()) {
      for (let parent = parentOf(path); parent !== ''; parent = parentOf(parent)) {
        const type = this.#types.get(parent);
        if (type === 'link') this.#refuse(path, 'would be written through a symbolic link');
        if (type === 'file') this.#refuse(path, 'would be written into a file');
      }
    }
    for (const [path, target] of this.#links) {
      if (target.includes('\0') || Buffer.byteLength(target) > 4095)
        this.#refuse(path, 'is a link that Linux cannot make');
      if (!staysInside(path, this.#links)) this.#refuse(path, 'is a symbolic link that leads out of its folder');
    }
  }

  #typeOf({ path, type }: ArchiveEntry): 'file' | 'folder' | 'link' {
    if (type === 'File' || type === 'OldFile') return 'file';
    if (type === 'Directory') return 'folder';
    if (type === 'SymbolicLink' && this.#rules.links) return 'link';
    return this.#refuse(path, `is a ${type}`);
  }

  #refuse(path: string, reason: string): never {
    throw new ArchiveRefused(`${this.#rules.what} holds ${JSON.stringify(path)}, which ${reason}`);
  }
}

/** Without `.`, empty names and a slash at the end. */
export function plainPath(path: string): string {
  return path
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .join('/');
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
