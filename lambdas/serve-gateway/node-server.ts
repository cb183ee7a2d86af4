import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GatewayApp } from './app.ts';
import { STALLED_CLIENT_SECONDS } from './limits.ts';
import { type BodyReader, readChunks } from './read-body.ts';

export interface GatewayServer {
  readonly port: number;
  /** Takes no more calls, lets those that run end within the time, and settles or marks the rest. */
  stop(graceMs: number): Promise<void>;
}

/** Longer than its clients keep a connection: who reuses one must not find it closed just now. */
const KEEP_ALIVE_MS = 75_000;

/** How long a client may take to send a request, in milliseconds. */
export interface RequestTimes {
  readonly headMs: number;
  /** With its head: of 5.5 MB from the same machine, or from one in the same region. */
  readonly wholeMs: number;
  /** Between two looks at who takes too long. */
  readonly lookMs: number;
}

const REQUEST_TIMES: RequestTimes = { headMs: 20_000, wholeMs: 60_000, lookMs: 5_000 };

/**
 * The gateway as a server of Node, for the local AWS, benchmarks and tests: on the loopback interface alone. A client
 * that is too slow gets 408, one with more than 16 KiB of headers 431, one that Node cannot read 400.
 */
export async function serveGateway(
  gateway: GatewayApp,
  port: number,
  { headMs, wholeMs, lookMs }: RequestTimes = REQUEST_TIMES,
): Promise<GatewayServer> {
  const options = { headersTimeout: headMs, requestTimeout: wholeMs, connectionsCheckingInterval: lookMs };
  const server = createServer(options, (request, response) => {
    serve(gateway, request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
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
  const request = requestOf(incoming, gone.signal);
  if (request === undefined) {
    outgoing.writeHead(400, { connection: 'close' }).end();
    return;
  }
  let tooLarge = false;
  const readBody: BodyReader = async (limitBytes) => {
    const declared = Number(incoming.headers['content-length'] ?? 0);
    const body = declared > limitBytes ? 'too_large' : await readChunks(incoming, limitBytes);
    tooLarge = body === 'too_large';
    return body;
  };
  const { status, headers, body: answer } = await gateway.app.fetch(request, { readBody });
  // The rest of the body is not read. Of any other request it is, and thrown away: the connection goes on.
  if (tooLarge) headers.set('connection', 'close');
  outgoing.writeHead(status, Object.fromEntries(headers));
  if (answer === null) {
    outgoing.end();
    return;
  }
  await send(answer.getReader(), outgoing);
}

/** Without its body. Undefined for a method or a target that no request can have: `TRACE`, `http://:`. */
function requestOf({ method = 'GET', url = '/', headers }: IncomingMessage, signal: AbortSignal): Request | undefined {
  try {
    return new Request(new URL(url, 'http://gateway'), {
      method,
      headers: Object.entries(headers).flatMap(([name, value]): [string, string][] =>
        value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
      ),
      signal,
    });
  } catch {
    return undefined;
  }
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
