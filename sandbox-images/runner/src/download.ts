import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { request } from './http-request.ts';
import { isRetryableStatus, Retryable, retry } from './retry.ts';
import type { Timings } from './timings.ts';

export interface Download {
  /** For messages: `code`, `input`. */
  readonly what: string;
  readonly url: string;
  /** Hex SHA-256. */
  readonly sha256: string;
  readonly file: string;
  readonly limitBytes: number;
}

/** Fetches a URL into a file and throws unless the bytes have the hash. */
export async function download(source: Download, timings: Timings): Promise<void> {
  await retry(
    async () => {
      const response = await request(source.what, source.url, {}, timings.fetchMs);
      if (!response.ok) {
        response.discard();
        if (isRetryableStatus(response.status)) throw new Retryable(`${source.what}: status ${response.status}`);
        throw new Error(`${source.what} could not be fetched: status ${response.status}`);
      }
      const hash = createHash('sha256');
      let bytes = 0;
      const check = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          bytes += chunk.length;
          hash.update(chunk);
          done(bytes > source.limitBytes ? new Error('too large') : null, chunk);
        },
      });
      try {
        await pipeline(response.body, check, createWriteStream(source.file, { mode: 0o600 }));
      } catch {
        if (bytes > source.limitBytes) {
          throw new Error(`${source.what} is larger than ${source.limitBytes} bytes`);
        }
        throw new Retryable(`${source.what}: the transfer broke off after ${bytes} bytes`);
      }
      const found = hash.digest('hex');
      if (found !== source.sha256) throw new Error(`${source.what} has the hash ${found}, not ${source.sha256}`);
    },
    { withinMs: timings.fetchMs, backoffMs: timings.backoffMs },
  );
}
