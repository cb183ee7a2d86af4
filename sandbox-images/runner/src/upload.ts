import { sha256 } from '../../../lib/json.ts';
import type { CompleteRequest } from '../../../lib/sandbox/protocol.ts';
import type { ApiClient } from './api-client.ts';
import { Retryable, request, retry } from './retry.ts';
import type { Timings } from './timings.ts';

/** Sends output that is too large for `complete` by a presigned URL, which is asked for again when it has expired. */
export async function uploadOutput(
  api: ApiClient,
  bytes: Buffer,
  timings: Timings,
): Promise<NonNullable<CompleteRequest['output']>> {
  const hash = sha256(bytes);
  return retry(
    async () => {
      const target = await api.urls(
        { purpose: 'output', bytes: bytes.length, sha256: hash },
        { withinMs: timings.fetchMs },
      );
      const response = await request(
        'output upload',
        target.url,
        { method: 'PUT', headers: target.headers, body: new Uint8Array(bytes) },
        timings.fetchMs,
      );
      await response.body?.cancel();
      if (!response.ok) throw new Retryable(`output upload: status ${response.status}`);
      return { key: target.key, sha256: hash, bytes: bytes.length };
    },
    { withinMs: timings.fetchMs, backoffMs: timings.backoffMs },
  );
}
