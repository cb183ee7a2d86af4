import { type ClientRequest, type Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type AgentResponse, answerItself, breakOff, writeChunk, writeHead } from './model-answer.ts';
import { answeredHeaders, forwardedHeaders } from './model-headers.ts';
import type { ModelTarget } from './model-target.ts';
import type { Timings } from './timings.ts';

/** From an agent, in either version of HTTP. */
export type AgentRequest = IncomingMessage | Http2ServerRequest;

export interface ModelGateway {
  /** Base URL without a slash at its end. */
  readonly url: URL;
  readonly connections: HttpAgent | HttpsAgent;
  /** The right to act; the token changes with heartbeats. */
  readonly session: { readonly token: string; readonly epoch: number };
  readonly timings: Timings;
  /** At once when an answer says that this step must end, before the agent gets any of it. */
  onStop(): void;
  /** Once the agent has that answer; `body` is the beginning of it. */
  onStopTold(body: string): void;
}

/** As the gateway has it: what is larger need not be sent. */
export const REQUEST_LIMIT_BYTES = 5.5 * 1024 * 1024;
/** What is larger is not sent a second time. */
const KEPT_BYTES = 256 * 1024;
/** Of an answer that ends the step: enough for its message. */
const TOLD_BYTES = 16 * 1024;
const STOP_HEADER = 'x-wflo-stop';
const STOP = 'budget_exceeded';

/**
 * Passes one request on to the gateway and its answer back, piece by piece. Ends the one when the other end is gone,
 * and follows no redirect. Repeats a call only where the gateway did not know the token any more and there is a newer
 * one; whatever else fails is the agent's to repeat, since it may have been paid for.
 */
export function passOn(
  request: AgentRequest,
  response: AgentResponse,
  target: ModelTarget,
  gateway: ModelGateway,
): void {
  const { provider } = target;
  const { length, fault } = lengthOf(request);
  if (fault !== undefined) {
    request.resume();
    answerItself(response, provider, fault);
    return;
  }
  const hasBody = request.method === 'POST';
  const kept: Buffer[] = [];
  let bytes = 0;
  let isWhole = !hasBody;
  let isOver = false;
  let sent: ClientRequest | undefined;
  /** Nothing more comes from the gateway for this request. */
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    sent?.destroy();
    // An agent that is still sending is not made to wait.
    request.resume();
  };
  /** The whole answer is here: its connection can be used again, unless it was not waited for. */
  const settle = (): void => {
    if (!isWhole) end();
    isOver = true;
  };
  const fail = (own: Parameters<typeof answerItself>[2]): void => {
    if (isOver) return;
    end();
    if (response.headersSent) breakOff(response);
    else answerItself(response, provider, own);
  };

  const send = (isRepeat: boolean): void => {
    const token = gateway.session.token;
    try {
      sent = open(gateway, target, request, hasBody ? (isRepeat ? bytes : length) : undefined);
    } catch {
      // A header that HTTP does not allow.
      fail({ status: 400, code: 'invalid_request', message: 'a header of the model call is malformed' });
      return;
    }
    const mine = sent;
    mine.once('response', (answer) => {
      const mayRepeat = !isRepeat && isWhole && bytes <= KEPT_BYTES && gateway.session.token !== token;
      if (answer.statusCode === 401 && mayRepeat) {
        answer.on('error', () => undefined).resume();
        send(true);
      } else if (!isOver) receive(answer, response, gateway, { settle, end });
    });
    mine.on('error', () => {
      if (mine === sent) fail(UNREACHABLE);
    });
    if (isRepeat) mine.end(Buffer.concat(kept));
    else if (!hasBody) mine.end();
  };

  response.once('close', end);
  response.on('error', end);
  request.on('error', end);
  send(false);
  if (!hasBody) {
    // A body that came with a GET would be read by the gateway as another request.
    request.resume();
    return;
  }
  request.on('data', (chunk: Buffer) => {
    if (isOver) return;
    bytes += chunk.length;
    if (bytes > REQUEST_LIMIT_BYTES) {
      fail(TOO_LARGE);
      return;
    }
    if (bytes <= KEPT_BYTES) kept.push(chunk);
    else kept.length = 0;
    if (sent?.write(chunk) !== false) return;
    request.pause();
    sent.once('drain', () => request.resume());
  });
  request.once('end', () => {
    if (isOver) return;
    isWhole = true;
    if (length === undefined || length === bytes) sent?.end();
    else fail({ status: 400, code: 'invalid_request', message: 'the body is not as long as its content-length says' });
  });
}

/** The length that a request announces; undefined: it comes in pieces. */
function lengthOf(request: AgentRequest): { length?: number; fault?: Parameters<typeof answerItself>[2] } {
  if (request.method !== 'POST' && request.method !== 'GET') {
    const message = `model calls are POST or GET, not ${request.method}`;
    return { fault: { status: 405, code: 'method_not_allowed', message } };
  }
  const text = request.headers['content-length'];
  if (text === undefined) return {};
  if (!/^[0-9]{1,15}$/.test(text)) {
    return { fault: { status: 400, code: 'invalid_request', message: 'content-length is not a number' } };
  }
  return Number(text) > REQUEST_LIMIT_BYTES ? { fault: TOO_LARGE } : { length: Number(text) };
}

/** Throws for a header that HTTP does not allow. */
function open(
  { url, connections, session, timings }: ModelGateway,
  { path }: ModelTarget,
  request: AgentRequest,
  length: number | undefined,
): ClientRequest {
  const { 'content-length': _, ...headers } = forwardedHeaders(request.headers, session);
  const sent = (url.protocol === 'https:' ? httpsRequest : httpRequest)({
    protocol: url.protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    ...(url.port === '' ? {} : { port: url.port }),
    method: request.method,
    // Not by way of a URL, which would resolve and decode it.
    path: `${url.pathname === '/' ? '' : url.pathname}${path}`,
    headers: { ...headers, host: url.host, ...(length === undefined ? {} : { 'content-length': length }) },
    agent: connections,
  });
  sent.setTimeout(timings.modelIdleMs, () => sent.destroy(new Error('the gateway is silent')));
  sent.once('socket', (socket) => {
    if (!socket.connecting) return;
    const late = setTimeout(() => sent.destroy(new Error('no connection')), timings.modelConnectMs);
    for (const event of [url.protocol === 'https:' ? 'secureConnect' : 'connect', 'close']) {
      socket.once(event, () => clearTimeout(late));
    }
  });
  return sent;
}

function receive(
  answer: IncomingMessage,
  response: AgentResponse,
  gateway: ModelGateway,
  { settle, end }: { readonly settle: () => void; readonly end: () => void },
): void {
  let told = answer.headers[STOP_HEADER] === STOP ? Buffer.alloc(0) : undefined;
  if (told !== undefined) {
    gateway.onStop();
    // Also where the agent is gone before it has all of it.
    response.once('close', () => gateway.onStopTold(String(told)));
  }
  writeHead(response, answer.statusCode ?? 502, answeredHeaders(answer.headers));
  answer.on('data', (chunk: Buffer) => {
    if (told !== undefined && told.length < TOLD_BYTES) told = Buffer.concat([told, chunk]);
    if (writeChunk(response, chunk)) return;
    answer.pause();
    response.once('drain', () => answer.resume());
  });
  answer.once('end', () => {
    settle();
    response.end();
  });
  answer.once('error', () => {
    end();
    breakOff(response);
  });
}

const TOO_LARGE = {
  status: 413,
  code: 'request_too_large',
  message: `a model call may have ${REQUEST_LIMIT_BYTES} bytes at most`,
} as const;

const UNREACHABLE = {
  status: 503,
  code: 'gateway_unreachable',
  message: 'the model gateway could not be reached, or did not answer; nothing is known of the call',
} as const;
