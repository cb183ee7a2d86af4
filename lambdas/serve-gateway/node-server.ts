import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GatewayApp } from './app.ts';
import { REQUEST_LIMIT_BYTES, STALLED_CLIENT_SECONDS } from './limits.ts';

export interface GatewayServer {
  readonly port: number;
  /** Takes no more calls, lets those that run end within the time, and settles or marks the rest. */
  stop(graceMs: number): Promise<void>;
}

/** Longer than its clients keep a connection: who reuses one must not find it closed just now. */
const KEEP_ALIVE_MS = 75_000;
const HEAD_MS = 20_000;

/** The gateway as a server of Node, for the local AWS, benchmarks and tests: on the loopback interface alone. */
export async function serveGateway(gateway: GatewayApp, port: number): Promise<GatewayServer> {
  const server = createServer((request, response) => {
    serve(gateway, request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = HEAD_MS;
  // The gateway has rules of its own for what is silent.
  server.timeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async stop(graceMs) {
      const closed = new Promise((resolve) => server.close(resolve));
      await gateway.stop(graceMs);
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(gateway: GatewayApp, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const gone = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  const body = await bodyOf(incoming);
  if (gone.signal.aborted) return;
  const received = { gone: gone.signal, ...(body === undefined ? {} : { body }) };
  const { status, headers, body: answer } = await gateway.app.fetch(requestOf(incoming), received);
  if (body === undefined) headers.set('connection', 'close');
  outgoing.writeHead(status, Object.fromEntries(headers));
  if (answer === null) {
    outgoing.end();
    return;
  }
  await send(answer.getReader(), outgoing);
}

/** Undefined for what is too large: the gateway refuses it by its declared length, and it is not read. */
async function bodyOf(incoming: IncomingMessage): Promise<Uint8Array | undefined> {
  if (Number(incoming.headers['content-length'] ?? 0) > REQUEST_LIMIT_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    // One byte more is enough for the gateway to refuse it.
    if (bytes > REQUEST_LIMIT_BYTES) break;
  }
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, bytes);
}

/** Without its body and its end, which go beside it: a `Request` with both takes a fifth of the time of a short call. */
function requestOf(incoming: IncomingMessage): Request {
  const { method = 'GET', url = '/', headers } = incoming;
  return new Request(new URL(url, 'http://gateway'), {
    method,
    headers: Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  });
}

/** A client that has gone is told to the gateway by `cancel`. */
async function send(reader: ReadableStreamDefaultReader<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const cancel = () => void reader.cancel().catch(() => undefined);
  outgoing.once('close', cancel);
  if (outgoing.closed) cancel();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!outgoing.write(value)) await drained(outgoing);
    }
    outgoing.end();
  } catch {
    // The provider's answer broke off: so does this one, else the client would take it for whole.
    outgoing.destroy();
  } finally {
    outgoing.off('close', cancel);
  }
}

/** Never waits for ever: a client that takes nothing is closed. */
function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(stalled);
      outgoing.off('drain', end);
      outgoing.off('close', end);
      resolve();
    };
    const stalled = setTimeout(() => outgoing.destroy(), STALLED_CLIENT_SECONDS * 1000);
    outgoing.once('drain', end);
    outgoing.once('close', end);
  });
}
