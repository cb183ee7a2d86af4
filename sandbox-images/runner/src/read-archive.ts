import { createReadStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import * as tar from 'tar';
import { TAR_BYTES_LIMIT } from './archive-limits.ts';

/** The archive cannot be taken; the message says why and names what is to blame. */
export class ArchiveRefused extends Error {}

/** What an entry of an archive says of itself, and its content. */
export interface ArchiveEntry {
  readonly path: string;
  readonly type: string;
  readonly size: number;
  readonly mode: number | undefined;
  readonly linkpath: string | undefined;
  readonly content: AsyncIterable<Buffer>;
  /** Passes over the content. */
  skip(): void;
}

const COMPRESSED = [Buffer.from([0x1f, 0x8b]), Buffer.from([0x28, 0xb5, 0x2f, 0xfd])];

/**
 * Reads a gzip tar from its beginning to its end. `onEntry` is called for one entry after the other, and reads or skips
 * its content. What it throws ends the reading at once; so does a stream that is longer than an archive may be, which
 * is counted while it is unpacked and never held. Throws `ArchiveRefused`.
 */
export async function readArchive(
  file: string,
  what: string,
  onEntry: (entry: ArchiveEntry) => Promise<void>,
  limitBytes: number = TAR_BYTES_LIMIT,
): Promise<void> {
  let failure: unknown;
  let last: Promise<void> = Promise.resolve();
  const stopped = new AbortController();
  const fail = (error: unknown): void => {
    failure ??= error;
    stopped.abort();
  };
  const parser = new tar.Parser({
    strict: true,
    onReadEntry: (entry) => {
      const { path, size, mode, type, linkpath } = entry;
      const content = entry as unknown as AsyncIterable<Buffer>;
      last = last
        .then(async () => {
          if (failure !== undefined) throw failure;
          await onEntry({ path, size, mode, type, linkpath, content, skip: () => void entry.resume() });
        })
        .catch((error) => {
          fail(error);
          // An entry that nobody takes would hold the parser up for ever.
          entry.resume();
        });
    },
  });
  // A header that the parser passes over would give its entry another name than it has.
  parser.on('ignoredEntry', (entry: { readonly path: string; readonly type: string }) =>
    fail(new ArchiveRefused(`${what} holds ${JSON.stringify(entry.path)}, which is of an unknown kind`)),
  );
  try {
    const limit = limited(what, limitBytes, fail);
    const { signal } = stopped;
    // The file may have been read to its end by then, so that the pipeline as a whole is stopped.
    await pipeline(createReadStream(file), createGunzip(), limit, parser as unknown as NodeJS.WritableStream, {
      signal,
    });
    await last;
  } catch (error) {
    await last;
    failure ??= new ArchiveRefused(`${what} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  if (failure !== undefined) throw failure;
}

/** Counts what comes out of the compression. The parser would unpack a second time what is compressed twice. */
function limited(what: string, limitBytes: number, fail: (error: Error) => void): Transform {
  let bytes = 0;
  let head = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (head.length < 4) head = Buffer.concat([head, chunk.subarray(0, 4)]);
      const twice = COMPRESSED.some((magic) => head.subarray(0, magic.length).equals(magic));
      if (twice) fail(new ArchiveRefused(`${what} is compressed twice`));
      else if (bytes > limitBytes) {
        fail(new ArchiveRefused(`${what} unpacks to more than ${limitBytes} bytes with its headers`));
      }
      done(twice || bytes > limitBytes ? new Error('refused') : null, chunk);
    },
  });
}
