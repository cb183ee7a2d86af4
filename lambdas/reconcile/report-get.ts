import type { HttpGet } from '../../lib/model-calls/usage-report/read-report.ts';

/** Many times more than a report of a day by model. */
const MAX_BYTES = 4 * 1024 * 1024;

/** A report of a provider. The key goes to this address alone: no redirect is followed. */
export const reportGet: HttpGet = async (url, headers, signal) => {
  const response = await fetch(url, {
    headers: { ...headers, accept: 'application/json' },
    redirect: 'manual',
    signal,
  });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new RangeError('the report is too long');
    chunks.push(chunk);
  }
  return { status: response.status, body: Buffer.concat(chunks).toString() };
};
