import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Upstream, type UpstreamAnswer, UpstreamFailed, type UpstreamRequest } from './upstream.ts';

/** Servers close idle connections after 5 seconds and more; one that is closed just now would lose a call. */
const REUSED_WITHIN_MS = 4_000;
const CONNECT_MS = 10_000;
const FREE_SOCKETS = 256;

/**
 * Providers by Node's own client, which says whether a request was sent. It follows no
 * redirect and decompresses nothing.
 */
export function nodeUpstream(): Upstream & { close(): void } {
  const options = { keepAlive: true, maxFreeSockets: FREE_SOCKETS, scheduling: 'lifo' } as const;
  const http = rememberIdle(new HttpAgent(options));
  const https = rememberIdle(new HttpsAgent(options));
  return {
    send(request, signal) {
      const secure = request.url.protocol === 'https:';
      const agent = secure ? https : http;
      closeStale(agent);
      return send(request, signal, secure, agent);
    },
    close() {
      http.destroy();
      https.destroy();
    },
  };
}

function send(
  { method, url, headers, body }: UpstreamRequest,
  signal: AbortSignal,
  secure: boolean,
  agent: HttpAgent,
): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    let sent = false;
    const call: ClientRequest = (secure ? httpsRequest : httpRequest)(url, {
      method,
      headers: { ...headers, 'content-length': body.length },
      agent,
      signal,
    });
    const connecting = setTimeout(() => call.destroy(new Error('no connection within 10 seconds')), CONNECT_MS);
    const connected = () => {
      clearTimeout(connecting);
      sent = true;
    };
    call.once('socket', (socket: Socket) => {
      if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', connected);
      else connected();
    });
    call.once('response', (answer) => resolve(answerOf(answer)));
    // After the response it is the body that fails.
    call.on('error', (error) => {
      clearTimeout(connecting);
      reject(new UpstreamFailed(sent, failureText(sent, error), error));
    });
    // Without an answer and without an error, as after a change of the protocol that nobody asked for.
    call.once('close', () => {
      clearTimeout(connecting);
      reject(new UpstreamFailed(sent, 'the provider closed the connection without an answer'));
    });
    call.end(body);
  });
}

function answerOf(answer: IncomingMessage): UpstreamAnswer {
  return {
    status: answer.statusCode ?? 502,
    headers: new Map(
      Object.entries(answer.headers).flatMap(([name, value]): [string, string][] =>
        value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
      ),
    ),
    body: answer,
  };
}

/** `ECONNREFUSED` and its like; never an address or a body. */
function failureText(sent: boolean, error: Error): string {
  const code = (error as NodeJS.ErrnoException).code ?? error.name;
  return sent
    ? `the provider broke the connection before it answered (${code})`
    : `the provider could not be reached (${code})`;
}

const idleSince = new WeakMap<Duplex, number>();

/** The agent's own hook: it is called with each socket that becomes free. */
function rememberIdle<A extends HttpAgent>(agent: A): A {
  agent.on('free', (socket: Duplex) => idleSince.set(socket, Date.now()));
  return agent;
}

/**
 * By the clock and not by a timer: a function that was frozen finds its connections as it left them, though the servers
 * have closed them long ago.
 */
function closeStale(agent: HttpAgent): void {
  const before = Date.now() - REUSED_WITHIN_MS;
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) if ((idleSince.get(socket) ?? 0) < before) socket.destroy();
  }
}
