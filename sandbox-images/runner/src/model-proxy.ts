import { randomBytes } from 'node:crypto';
import { createServer as createHttpServer, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type LoopbackCertificate, loopbackCertificate } from './loopback-certificate.ts';
import { type AgentResponse, answerItself } from './model-answer.ts';
import { type AgentRequest, type ModelGateway, passOn } from './model-call.ts';
import { modelTarget } from './model-target.ts';
import type { Timings } from './timings.ts';

export interface ModelProxyOptions {
  /** Base URL of the gateway, from the claim. */
  readonly modelsUrl: string;
  /** The right to act, as it is when a call is made. */
  readonly session: { readonly token: string; readonly epoch: number };
  readonly timings: Timings;
  /** The step must end, and its agent has been told why. */
  onBudgetExceeded(message: string): void;
}

/** The way of one agent to the models. */
export interface ModelProxy {
  /** Base URL for the agent, below which are `/openai`, `/anthropic`, `/gemini` and `/bedrock`. */
  readonly url: string;
  /** The same over TLS. */
  readonly secureUrl: string;
  /** PEM of what clients over TLS must trust. */
  readonly certificate: string;
  /** Why the step must end, as soon as the gateway has said so. */
  readonly exceeded: string | undefined;
  /** Ends every call under way. */
  close(): void;
}

/** What every connection of HTTP/2 begins with, and none of HTTP/1.1. */
const PREFACE = Buffer.from('PRI * HTTP/2.0');
/** The first byte of every connection of TLS. */
const TLS_HANDSHAKE = 0x16;
/** Bound what an agent ties up in the runner, which must go on reporting. */
const CONNECTIONS_LIMIT = 256;
const CALLS_LIMIT = 256;
/** A gateway closes connections that were used longer ago; a call on such a one would fail. */
const UPSTREAM_IDLE_MS = 4_000;
/** A client may keep its connection between two thoughts. */
const CLIENT_IDLE_MS = 10 * 60_000;
const EXCEEDED = 'a budget does not suffice for a model call of the agent';

/**
 * Listens on loopback, on a free port, below an unguessable path: where other processes share the loopback, they do not
 * act for this agent. Speaks HTTP/1.1 and HTTP/2, each with and without TLS. Throws an
 * `Error` where the session token could leave this machine unencrypted.
 */
export async function startModelProxy(options: ModelProxyOptions): Promise<ModelProxy> {
  const url = gatewayUrl(options.modelsUrl);
  const secret = randomBytes(24).toString('base64url');
  const Agent = url.protocol === 'https:' ? HttpsAgent : HttpAgent;
  const connections = new Agent({ keepAlive: true, timeout: UPSTREAM_IDLE_MS });
  let exceeded: string | undefined;
  const gateway: ModelGateway = {
    url,
    connections,
    session: options.session,
    timings: options.timings,
    onStop: () => {
      exceeded ??= EXCEEDED;
    },
    onStopTold: (body) => {
      exceeded = messageOf(body) ?? exceeded ?? EXCEEDED;
      options.onBudgetExceeded(exceeded);
    },
  };
  let calls = 0;
  const serve = (request: AgentRequest, response: AgentResponse): void => {
    const target = modelTarget(request.url ?? '', secret);
    if (target === undefined || calls >= CALLS_LIMIT) {
      request.on('error', () => undefined).resume();
      response.on('error', () => undefined);
      answerItself(response, target?.provider, target === undefined ? NOT_FOUND : TOO_MANY);
      return;
    }
    calls += 1;
    response.once('close', () => {
      calls -= 1;
    });
    passOn(request, response, target, gateway);
  };
  const certificate = loopbackCertificate();
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, distribute(serve, certificate));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.maxConnections = CONNECTIONS_LIMIT;
  await listen(server);
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}/${secret}`;
  return {
    url: `http://${address}`,
    secureUrl: `https://${address}`,
    certificate: certificate.cert,
    get exceeded() {
      return exceeded;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      connections.destroy();
    },
  };
}

/** Gives a connection to a server of what it begins with: TLS, or a version of HTTP. */
function distribute(
  serve: (request: AgentRequest, response: AgentResponse) => void,
  certificate: LoopbackCertificate,
): (socket: Socket) => void {
  const first = createHttpServer({ requestTimeout: 0, keepAliveTimeout: CLIENT_IDLE_MS }, serve);
  // Most agents never need it, and it takes time to load.
  const second = once(async () => {
    const { createServer: createHttp2Server } = await import('node:http2');
    return createHttp2Server({ settings: { maxConcurrentStreams: CALLS_LIMIT } }, serve);
  });
  // Both versions of HTTP, as the client wants it.
  const secure = once(async () => {
    const { createSecureServer } = await import('node:http2');
    const settings = { maxConcurrentStreams: CALLS_LIMIT };
    return createSecureServer({ ...certificate, allowHTTP1: true, settings }, serve);
  });
  return (socket) => {
    socket.on('error', () => socket.destroy());
    let head = Buffer.alloc(0);
    const look = (): void => {
      const more: Buffer | null = socket.read();
      if (more !== null) head = Buffer.concat([head, more]);
      const known = Math.min(head.length, PREFACE.length);
      const maySecond = head.subarray(0, known).equals(PREFACE.subarray(0, known));
      if (maySecond && known < PREFACE.length) {
        // Nothing is put back before it is known for whom: what was put back is readable at once.
        if (!socket.readableEnded) socket.once('readable', look);
        return;
      }
      socket.unshift(head);
      if (head[0] === TLS_HANDSHAKE) {
        void secure().then((server) => server.emit('connection', socket));
        return;
      }
      if (maySecond) void second().then((server) => server.emit('connection', socket));
      else first.emit('connection', socket);
    };
    socket.once('readable', look);
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
}

/** The session token travels to it. */
function gatewayUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text.replace(/\/+$/, '')) : undefined;
  const isLocal = url?.protocol === 'http:' && /^(127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname);
  if (url === undefined || (url.protocol !== 'https:' && !isLocal)) {
    throw new Error('the address of the model gateway is not an HTTPS URL');
  }
  return url;
}

/** Of a refusal in the words of any provider. */
function messageOf(body: string): string | undefined {
  try {
    const value = JSON.parse(body) as { message?: unknown; error?: { message?: unknown } } | null;
    const message = value?.error?.message ?? value?.message;
    return typeof message === 'string' && message !== '' ? message.slice(0, 2_000) : undefined;
  } catch {
    return undefined;
  }
}

const NOT_FOUND = {
  status: 404,
  code: 'not_found',
  message: 'no model API is at this path: use the base URL that the environment of the agent has',
} as const;

const TOO_MANY = {
  status: 429,
  code: 'too_many_calls',
  message: `an agent may have ${CALLS_LIMIT} model calls under way at a time`,
  retryAfterSeconds: 1,
} as const;
