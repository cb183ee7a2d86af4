import { type BigIntStats, constants } from 'node:fs';
import { chmod, lchown, lstat, opendir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkspaceError } from '../../../lib/sandbox/protocol.ts';
import { ARCHIVE_BYTES_LIMIT, ARCHIVE_ENTRIES_LIMIT, tooLong } from './archive-limits.ts';
import { staysInside } from './links.ts';

/** The workspace cannot be carried on. */
export class WorkspaceRefused extends Error {
  readonly code: WorkspaceError['code'];

  constructor(code: WorkspaceError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** One thing in a workspace. `path` is relative to it. */
export type TreeEntry =
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly size: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

export interface TreeOptions {
  /** The agent's user, where the runner is another and takes back what it reads; undefined: they are the same. */
  readonly agentUid: number | undefined;
}

/**
 * Everything below a folder that its agent left, folders before what is in them and names in the order of their bytes,
 * so that equal folders make equal lists. Nothing is followed: the agent is dead, but its links may lead anywhere.
 * Folders become the runner's own on the way (see `takeBack`). Sizes are those that files say they have, so that holes
 * count. A hard link is a file like any other, as long as it belongs to the agent: a name that it gave to the file of
 * somebody else is none of its own. Throws `WorkspaceRefused`.
 */
export async function readTree(folder: string, options: TreeOptions): Promise<readonly TreeEntry[]> {
  const walk = new TreeWalk(folder, options);
  await walk.folder('');
  return walk.end();
}

class TreeWalk {
  readonly #root: string;
  readonly #agentUid: number | undefined;
  readonly #entries: TreeEntry[] = [];
  #seen = 0;
  #bytes = 0;

  constructor(root: string, { agentUid }: TreeOptions) {
    this.#root = root;
    this.#agentUid = agentUid;
  }

  async folder(path: string): Promise<void> {
    const absolute = join(this.#root, path);
    const { mode } = await lstat(absolute);
    if (this.#agentUid !== undefined) await lchown(absolute, 0, 0);
    await chmod(absolute, (mode & 0o777) | 0o700);
    for (const name of await this.#namesIn(absolute, path)) await this.#entry(path === '' ? name : `${path}/${name}`);
  }

  end(): readonly TreeEntry[] {
    const links = new Map(
      this.#entries.flatMap((entry) => (entry.kind === 'link' ? [[entry.path, entry.target]] : [])),
    );
    for (const path of links.keys()) {
      if (!staysInside(path, links)) refuse(path, 'is a symbolic link that is absolute or leads out of the folder');
    }
    return this.#entries;
  }

  /** Counted while they are read, because a folder can hold more names than fit into memory. */
  async #namesIn(absolute: string, path: string): Promise<readonly string[]> {
    const names: Buffer[] = [];
    const opened = await opendir(absolute, { encoding: 'buffer' as BufferEncoding, bufferSize: 512 });
    for await (const { name } of opened) {
      this.#seen += 1;
      if (this.#seen > ARCHIVE_ENTRIES_LIMIT) {
        throw new WorkspaceRefused(
          'workspace_too_large',
          `the workspace has more than ${ARCHIVE_ENTRIES_LIMIT} entries, up to ${quoted(path)}`,
        );
      }
      names.push(name as unknown as Buffer);
    }
    return names.sort(Buffer.compare).map((bytes) => {
      const name = bytes.toString('utf8');
      if (!Buffer.from(name).equals(bytes))
        refuse(path === '' ? name : `${path}/${name}`, 'has a name that is not UTF-8');
      return name;
    });
  }

  async #entry(path: string): Promise<void> {
    const long = tooLong(this.#root, path);
    if (long !== undefined) refuse(`${path.slice(0, 100)}…`, long);
    const absolute = join(this.#root, path);
    const stat = await lstat(absolute, { bigint: true });
    const type = typeOf(stat);
    if (type === 'link') {
      const target = await readlink(absolute, { encoding: 'buffer' });
      const text = target.toString('utf8');
      if (!Buffer.from(text).equals(target)) refuse(path, 'is a symbolic link to a name that is not UTF-8');
      this.#entries.push({ kind: 'link', path, target: text });
      return;
    }
    if (this.#agentUid !== undefined && stat.uid !== BigInt(this.#agentUid))
      refuse(path, 'does not belong to the agent');
    const mode = Number(stat.mode) & 0o777;
    if (type === 'folder') {
      this.#entries.push({ kind: 'folder', path, mode: mode | 0o700 });
      await this.folder(path);
    } else if (type === 'file') {
      this.#count(path, stat.size);
      this.#entries.push({ kind: 'file', path, mode: mode | 0o600, size: Number(stat.size) });
    } else {
      refuse(path, `is a ${type}`);
    }
  }

  #count(path: string, size: bigint): void {
    this.#bytes += Number(size);
    if (this.#bytes <= ARCHIVE_BYTES_LIMIT) return;
    throw new WorkspaceRefused(
      'workspace_too_large',
      `the files of the workspace have more than ${ARCHIVE_BYTES_LIMIT} bytes, of which ${quoted(path)} has ${size}`,
    );
  }
}

type EntryType = 'file' | 'folder' | 'link' | 'socket' | 'pipe' | 'device';

function typeOf(stat: BigIntStats): EntryType {
  switch (Number(stat.mode) & constants.S_IFMT) {
    case constants.S_IFREG:
      return 'file';
    case constants.S_IFDIR:
      return 'folder';
    case constants.S_IFLNK:
      return 'link';
    case constants.S_IFSOCK:
      return 'socket';
    case constants.S_IFIFO:
      return 'pipe';
    default:
      return 'device';
  }
}

export function refuse(path: string, reason: string): never {
  throw new WorkspaceRefused('invalid_workspace', `the workspace holds ${quoted(path)}, which ${reason}`);
}

function quoted(path: string): string {
  return JSON.stringify(path === '' ? '.' : path);
}
