import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import * as tar from 'tar';

export const ARCHIVE_ENTRIES_LIMIT = 10_000;
export const ARCHIVE_BYTES_LIMIT = 512 * 1024 * 1024;

/**
 * Unpacks a gzip tar of agent code. The whole archive is checked before the first file is written: files and folders
 * with relative names only; links, devices, absolute names and `..` are refused, and so is what passes the limits.
 * No owner and no set-id bit is taken over.
 */
export async function extractArchive(file: string, folder: string): Promise<void> {
  await checkArchive(file);
  await tar.x({
    file,
    cwd: folder,
    strict: true,
    preserveOwner: false,
    filter: (_path, entry) => {
      if ('mode' in entry && typeof entry.mode === 'number') entry.mode &= 0o777;
      return true;
    },
  });
}

async function checkArchive(file: string): Promise<void> {
  let entries = 0;
  let bytes = 0;
  let refusal: string | undefined;
  const refuse = (reason: string): void => {
    refusal ??= reason;
    input.destroy(new Error(reason));
  };
  const parser = new tar.Parser({
    strict: true,
    onReadEntry: (entry) => {
      entries += 1;
      bytes += entry.size;
      const reason = refusalOf(entry.path, entry.type);
      if (reason !== undefined) refuse(`the code archive holds ${reason}`);
      else if (entries > ARCHIVE_ENTRIES_LIMIT) {
        refuse(`the code archive has more than ${ARCHIVE_ENTRIES_LIMIT} entries`);
      } else if (bytes > ARCHIVE_BYTES_LIMIT) {
        refuse(`the code archive unpacks to more than ${ARCHIVE_BYTES_LIMIT} bytes`);
      }
      entry.resume();
    },
  });
  const input = createReadStream(file);
  try {
    await pipeline(input, parser as unknown as NodeJS.WritableStream);
  } catch (error) {
    throw new Error(refusal ?? `the code archive cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  if (refusal !== undefined) throw new Error(refusal);
}

/** Why an entry may not be unpacked; undefined where it may. */
export function refusalOf(path: string, type: string): string | undefined {
  const shown = JSON.stringify(path);
  if (type !== 'File' && type !== 'OldFile' && type !== 'Directory') return `${shown}, which is a ${type}`;
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return `${shown}, which is an absolute name`;
  if (path.split(/[/\\]/).includes('..')) return `${shown}, which leads out of its folder`;
  return undefined;
}
