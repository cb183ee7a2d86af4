import { createHash } from 'node:crypto';
import { constants, createWriteStream } from 'node:fs';
import { chmod, lchown, lstat, mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, constants as zlib } from 'node:zlib';
import { WORKSPACE_LIMIT_BYTES } from '../../../lib/sandbox/protocol.ts';
import { END, headerOf, paddingAfter } from './tar-blocks.ts';
import { readTree, refuse, type TreeEntry, WorkspaceRefused } from './workspace-tree.ts';

export interface PackedWorkspace {
  readonly file: string;
  /** Hex SHA-256 of the archive. */
  readonly sha256: string;
  readonly bytes: number;
  /** Deletes the archive. */
  remove(): Promise<void>;
}

export interface PackOptions {
  /** The folder to pack. */
  readonly folder: string;
  /** A folder of the runner's own, for the archive. */
  readonly root: string;
  /** The agent's user, where the runner is another one. */
  readonly agentUid: number | undefined;
  readonly limitBytes?: number;
}

/**
 * Packs the folder that a dead agent left into a gzip tar of files, folders and links that stay inside. Equal content,
 * names and permissions make equal bytes; owners and times are left out. Throws `WorkspaceRefused`, and leaves no
 * archive behind then.
 */
export async function packWorkspace(options: PackOptions): Promise<PackedWorkspace> {
  const { folder, root, agentUid, limitBytes = WORKSPACE_LIMIT_BYTES } = options;
  const stat = await lstat(folder).catch(() => undefined);
  if (!stat?.isDirectory()) throw new WorkspaceRefused('invalid_workspace', 'the workspace is no folder any more');
  const entries = await readTree(folder, { agentUid });
  // A name that nobody could have put something at.
  const own = await mkdtemp(join(root, '.workspace-'));
  const file = join(own, 'workspace.tar.gz');
  const remove = (): Promise<void> => rm(own, { recursive: true, force: true });
  const hash = createHash('sha256');
  let bytes = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      done(bytes > limitBytes ? tooLarge(limitBytes) : null, chunk);
    },
  });
  try {
    // Speed before size: a sandbox may have a quarter of a processor, and nobody hears of it while it packs.
    const gzip = createGzip({ level: zlib.Z_BEST_SPEED });
    await pipeline(Readable.from(tarOf(entries, options)), gzip, count, createWriteStream(file, { flags: 'wx' }));
  } catch (error) {
    await remove();
    throw error;
  }
  return { file, sha256: hash.digest('hex'), bytes, remove };
}

async function* tarOf(entries: readonly TreeEntry[], options: PackOptions): AsyncGenerator<Buffer> {
  // The folder itself comes first, so that an empty one is an archive too.
  for (const entry of [{ kind: 'folder', path: '.', mode: 0o755 } as const, ...entries]) {
    yield headerOf(entry);
    if (entry.kind !== 'file') continue;
    yield* contentOf(entry.path, entry.size, options);
    yield paddingAfter(entry.size);
  }
  yield END;
}

/** Takes the file back from the agent, who may have left it readable for himself only, and reads what it said it has. */
async function* contentOf(path: string, size: number, { folder, agentUid }: PackOptions): AsyncGenerator<Buffer> {
  const absolute = join(folder, path);
  if (agentUid !== undefined) await lchown(absolute, 0, 0);
  await chmod(absolute, 0o600);
  const opened = await open(absolute, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await opened.stat();
    let bytes = 0;
    if (stat.isFile() && stat.size === size) {
      for await (const chunk of opened.createReadStream({ autoClose: false })) {
        bytes += chunk.length;
        if (bytes > size) break;
        yield chunk;
      }
    }
    if (bytes !== size) refuse(path, 'changed while it was read');
  } finally {
    await opened.close();
  }
}

function tooLarge(limitBytes: number): WorkspaceRefused {
  return new WorkspaceRefused('workspace_too_large', `the archive of the workspace has more than ${limitBytes} bytes`);
}
