import type { Readable } from 'node:stream';
import type { UrlsRequest } from '../../../lib/sandbox/protocol.ts';
import type { ApiClient } from './api-client.ts';
import { request } from './http-request.ts';
import { isRetryableStatus, Retryable, retry } from './retry.ts';
import type { Timings } from './timings.ts';

export interface Upload extends Omit<UrlsRequest, 'epoch'> {
  /** Begins the content anew for every try. */
  open(): Uint8Array | Readable;
}

export interface UploadedObject {
  readonly key: string;
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Sends an object by a presigned URL, which is asked for again when it has expired, for as long as an outcome is
 * offered. Throws `Refused` where this runner no longer acts.
 */
export async function upload(api: ApiClient, object: Upload, timings: Timings): Promise<UploadedObject> {
  const { purpose, bytes, sha256 } = object;
  return retry(
    async () => {
      const target = await api.urls({ purpose, bytes, sha256 }, { withinMs: timings.fetchMs });
      const response = await request(
        `${purpose} upload`,
        target.url,
        {
          method: 'PUT',
          // S3 takes no body of unknown length, and a stream has one only where it is said.
          headers: { ...target.headers, 'content-length': String(bytes) },
          body: object.open(),
        },
        timings.deliveryMs,
      );
      response.discard();
      if (response.ok) return { key: target.key, sha256, bytes };
      const failure = `${purpose} upload: status ${response.status}`;
      // 403: the URL has expired, or its signer's session has ended; another one may do.
      if (isRetryableStatus(response.status) || response.status === 403) throw new Retryable(failure);
      throw new Error(failure);
    },
    { withinMs: timings.deliveryMs, backoffMs: timings.backoffMs },
  );
}
