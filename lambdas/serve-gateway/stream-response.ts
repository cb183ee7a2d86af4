import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { STALLED_CLIENT_SECONDS } from './limits.ts';

/** What the runtime of Lambda brings along for functions that stream. */
export interface LambdaStreaming {
  streamifyResponse(
    handle: (event: APIGatewayProxyEvent, stream: Writable, context: import('aws-lambda').Context) => Promise<unknown>,
  ): (event: APIGatewayProxyEvent, context: import('aws-lambda').Context) => Promise<unknown>;
  readonly HttpResponseStream: {
    from(
      stream: Writable,
      head: { readonly statusCode: number; readonly headers: Readonly<Record<string, string>> },
    ): Writable;
  };
}

/** A call of API Gateway as a request. Its paths and queries arrive decoded or not; the gateway decodes a path once. */
export function requestOf(event: APIGatewayProxyEvent): Request {
  const path = event.path.replace(/[?#]/g, encodeURIComponent);
  const url = new URL(`https://gateway${path.startsWith('/') ? '' : '/'}${path}`);
  for (const [name, values] of Object.entries(event.multiValueQueryStringParameters ?? {})) {
    for (const value of values ?? []) url.searchParams.append(name, value);
  }
  const body = event.body === null ? undefined : Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8');
  return new Request(url, {
    method: event.httpMethod,
    headers: Object.entries(event.headers ?? {}).flatMap(([name, value]): [string, string][] =>
      // Of the body as it came to API Gateway, which may have been encoded.
      value === undefined || name.toLowerCase() === 'content-length' ? [] : [[name, value]],
    ),
    ...(body === undefined || event.httpMethod === 'GET' ? {} : { body }),
  });
}

/**
 * Writes an answer as it comes. Lambda does not tell when a client has gone: what nobody takes is waited for only for a
 * while, and the rest of the answer is dropped.
 */
export async function streamResponse(
  { HttpResponseStream }: Pick<LambdaStreaming, 'HttpResponseStream'>,
  stream: Writable,
  response: Response,
): Promise<void> {
  const out = HttpResponseStream.from(stream, {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
  });
  const reader = response.body?.getReader();
  let open = true;
  out.on('error', () => {
    open = false;
  });
  try {
    // The head goes out with the first write only.
    out.write('');
    while (reader !== undefined && open) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!out.write(value)) open = await drained(out);
    }
    if (open) out.end();
    else out.destroy();
  } catch (error) {
    out.destroy(error as Error);
  } finally {
    if (!open) await reader?.cancel();
  }
}

async function drained(out: Writable): Promise<boolean> {
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), STALLED_CLIENT_SECONDS * 1000);
  try {
    await once(out, 'drain', { signal: stalled.signal });
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
