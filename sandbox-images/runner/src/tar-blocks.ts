import { Header, Pax } from 'tar';
import type { TreeEntry } from './workspace-tree.ts';

const BLOCK_BYTES = 512;
/** The same for every archive, so that equal content has equal bytes. */
const TIME = new Date(0);

/** What stands before the content of an entry: its header, after an extended one where a name does not fit into it. */
export function headerOf(entry: TreeEntry): Buffer {
  const path = entry.kind === 'folder' ? `${entry.path}/` : entry.path;
  const names = entry.kind === 'link' ? { path, linkpath: entry.target } : { path };
  const header = new Header({
    ...names,
    type: entry.kind === 'folder' ? 'Directory' : entry.kind === 'link' ? 'SymbolicLink' : 'File',
    mode: entry.kind === 'link' ? 0o777 : entry.mode,
    size: entry.kind === 'file' ? entry.size : 0,
    uid: 0,
    gid: 0,
    mtime: TIME,
  });
  const extended = header.encode() ? new Pax(names).encode() : Buffer.alloc(0);
  return Buffer.concat([extended, header.block ?? Buffer.alloc(0)]);
}

/** Zeros after content of this many bytes, up to the next block. */
export function paddingAfter(bytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** The two blocks that end an archive. */
export const END = Buffer.alloc(2 * BLOCK_BYTES);
