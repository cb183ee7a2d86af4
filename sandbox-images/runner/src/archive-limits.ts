/** Entries of one archive: files, folders and links. */
export const ARCHIVE_ENTRIES_LIMIT = 10_000;
/** What the files of one archive may add up to (512 MiB). */
export const ARCHIVE_BYTES_LIMIT = 512 * 1024 * 1024;
/** The tar stream itself: the files, and headers of 13 KiB for each entry at most (640 MiB). */
export const TAR_BYTES_LIMIT = ARCHIVE_BYTES_LIMIT + 128 * 1024 * 1024;
/** Linux takes no longer name of a file or folder. */
const NAME_BYTES_LIMIT = 255;
/** Linux takes no longer path, with the NUL that ends it. */
const PATH_BYTES_LIMIT = 4096;

/** Why Linux would not take this path below `folder`; undefined where it would. */
export function tooLong(folder: string, path: string): string | undefined {
  const longest = path.split('/').find((name) => Buffer.byteLength(name) > NAME_BYTES_LIMIT);
  if (longest !== undefined) return `has a name of more than ${NAME_BYTES_LIMIT} bytes`;
  const bytes = Buffer.byteLength(folder) + 1 + Buffer.byteLength(path) + 1;
  return bytes > PATH_BYTES_LIMIT ? `has a path of more than ${PATH_BYTES_LIMIT} bytes` : undefined;
}
