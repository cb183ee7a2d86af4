import { once } from 'node:events';
import {
  createServer as createHttp1,
  type Server as Http1Server,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { constants, createServer as createHttp2, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerOf } from './answer.ts';
import { type Body, type Call, type Format, type Provider, readCall, record, routeOf } from './call.ts';
import { refusalOfRequest } from './check-request.ts';
import { nativeError } from './errors.ts';
import { type Keys, refusalOfKey } from './keys.ts';
import { parseScript, type Script, scriptInPrompt, scriptOfTurn } from './script.ts';
import { type BookedUse, bookedUse, reportOf, reportRouteOf } from './usage-book.ts';
import type { Wire, WireAnswer, WireError } from './wire.ts';
import { WIRES } from './wires.ts';

export interface RecordedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** With the key, as it came. */
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly provider?: Provider;
  readonly format?: Format;
  /** Undefined while it is being answered; `sent` to the end, `broken` by its script, or the client has gone. */
  end: 'sent' | 'broken' | 'client_gone' | undefined;
  /** Milliseconds since the epoch. */
  endedAt: number | undefined;
}

export interface ScriptedProviderOptions {
  /** A free one where absent. */
  readonly port?: number;
  readonly host?: string;
  readonly keys?: Keys;
  /** The only ones that usage reports are given to; of a provider without one here, any is. */
  readonly adminKeys?: Keys;
}

/**
 * OpenAI, Anthropic, Gemini and Bedrock on one port, which answer as scripts say and charge nothing. Any base path is
 * taken; see README.md.
 */
export class ScriptedProvider {
  /** What came in, in order. */
  readonly requests: RecordedRequest[] = [];
  /** For calls without a script of their own. */
  script: Script | ((call: Call) => Script) = {};
  /** What usage reports are made of. */
  readonly uses: BookedUse[] = [];
  /** The time by which uses are reported. */
  now: () => Date = () => new Date();
  /** What a model is called in reports, such as its dated version. */
  reportsAs: (model: string) => string = (model) => model;
  /** The next reports get these statuses instead. */
  readonly reportStatuses: number[] = [];
  private readonly queue: Script[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  private readonly http1: Http1Server;
  private readonly http2: Http2Server;
  private readonly keys: Keys;
  private readonly adminKeys: Keys;
  private calls = 0;

  private constructor(keys: Keys, adminKeys: Keys) {
    this.keys = keys;
    this.adminKeys = adminKeys;
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      this.serve(request, response).catch((error: unknown) => {
        // A script that cannot be: the test that wrote it has to see why.
        const message = error instanceof Error ? error.message : String(error);
        if (response.headersSent) breakConnection(response);
        else sendJson(response, 500, { error: { message, type: 'invalid_script' } });
      });
    };
    this.http1 = createHttp1(listener);
    this.http1.keepAliveTimeout = 65_000;
    this.http1.requestTimeout = 0;
    // Node's own stand-ins, made to be used as those of HTTP/1.
    this.http2 = createHttp2((request, response) =>
      listener(request as unknown as IncomingMessage, response as unknown as ServerResponse),
    );
    this.server = createServer((socket) => this.accept(socket));
  }

  static async start(options: ScriptedProviderOptions = {}): Promise<ScriptedProvider> {
    const provider = new ScriptedProvider(options.keys ?? {}, options.adminKeys ?? {});
    provider.server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
    await once(provider.server, 'listening');
    return provider;
  }

  /** `http://127.0.0.1:<port>` */
  get url(): string {
    const { address, port } = this.server.address() as AddressInfo;
    return `http://${address}:${port}`;
  }

  get openConnections(): number {
    return this.sockets.size;
  }

  /** The next calls get these, one each, before any other script. */
  enqueue(...scripts: readonly Script[]): void {
    this.queue.push(...scripts);
  }

  /** Forgets requests and scripts. */
  reset(): void {
    this.requests.length = 0;
    this.queue.length = 0;
    this.uses.length = 0;
    this.script = {};
  }

  /** Breaks what is open. */
  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  /** HTTP/1.1, or HTTP/2 for who begins with it: the JavaScript client of Bedrock does. */
  private accept(socket: Socket): void {
    // Events are small, and each is wanted at once.
    socket.setNoDelay(true);
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    socket.once('error', () => socket.destroy());
    socket.once('data', (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      const server = first.toString('latin1', 0, 3) === 'PRI' ? this.http2 : this.http1;
      server.emit('connection', socket);
      if (server === this.http1) socket.resume();
    });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = Date.now();
    const method = request.method ?? 'GET';
    const path = request.url ?? '/';
    const bytes = await bodyOf(request);
    const body = bytes.toString();
    const { pathname, searchParams } = new URL(path, 'http://provider');
    if (pathname.startsWith('/_')) return this.serveControl(method, pathname, body, response);

    const route = routeOf(method, pathname, request.headers);
    const recorded: RecordedRequest = {
      method,
      path,
      headers: request.headers,
      body,
      at,
      ...(route === undefined ? {} : { provider: route.provider, format: route.format }),
      end: undefined,
      endedAt: undefined,
    };
    this.requests.push(recorded);
    response.once('finish', () => {
      recorded.end ??= 'sent';
    });
    response.once('close', () => {
      recorded.end ??= 'client_gone';
      recorded.endedAt = Date.now();
    });
    const report = reportRouteOf(method, pathname);
    if (report !== undefined) {
      const refused = refusalOfKey(report.provider, request.headers, searchParams, this.adminKeys);
      if (refused !== undefined) return sendError(response, report.provider, refused);
      const status = this.reportStatuses.shift();
      if (status !== undefined) {
        return sendError(response, report.provider, { status, message: 'The test says so.' });
      }
      const page = reportOf(report, searchParams, this.uses);
      return 'error' in page ? sendError(response, report.provider, page.error) : sendJson(response, 200, page.body);
    }
    if (route === undefined) return sendJson(response, 404, { error: { message: `nothing at ${method} ${pathname}` } });

    const { provider } = route;
    const refusedKey = refusalOfKey(provider, request.headers, searchParams, this.keys);
    if (refusedKey !== undefined) return sendError(response, provider, refusedKey);
    const parsed = parseBody(method, body);
    if (parsed === undefined) {
      return sendError(response, provider, {
        status: 400,
        message: 'We could not parse the JSON body of your request.',
      });
    }
    this.calls += 1;
    const call = readCall(route, parsed, bytes.length, searchParams, this.calls);
    const refused = refusalOfRequest(call);
    if (refused !== undefined) return sendError(response, provider, refused);
    await this.answer(call, this.scriptOf(call), response, recorded);
  }

  private scriptOf(call: Call): Script {
    const script =
      this.queue.shift() ??
      scriptInPrompt(call.prompt) ??
      (typeof this.script === 'function' ? this.script(call) : this.script);
    return scriptOfTurn(script, call.answersBefore);
  }

  private async answer(call: Call, script: Script, response: ServerResponse, recorded: RecordedRequest): Promise<void> {
    if (script.silence === true) return;
    if (script.firstDelayMs !== undefined) await sleep(script.firstDelayMs);
    if (script.status !== undefined) {
      const error = { status: script.status, message: script.message ?? `The script says ${script.status}.` };
      return sendError(response, call.provider, error, script.headers);
    }
    const wire = WIRES[call.format];
    const answer = answerOf(call, script);
    const use = bookedUse(call, this.reportsAs(call.model), answer.tokens, this.now().getTime());
    if (use !== undefined) this.uses.push(use);
    const streamed = call.stream ? wire.stream?.(call, answer) : undefined;
    if (streamed === undefined) {
      const { body, headers } = wire.plain(call, answer);
      const text = script.garbage === true ? '<html>not what you asked for' : JSON.stringify(body);
      sendWhole(response, text, { ...requestIds(call), ...headers, ...script.headers }, script, recorded);
      return;
    }
    const parts = script.garbage === true ? ['\u0000not an event\n\n', 'data: {"half":'] : streamed.parts;
    await sendParts(response, { ...streamed, parts }, requestIds(call), script, recorded, wire);
  }

  private serveControl(method: string, path: string, body: string, response: ServerResponse): void {
    if (method === 'GET' && path === '/_requests') {
      sendJson(response, 200, { requests: this.requests, openConnections: this.openConnections });
    } else if (method === 'DELETE' && path === '/_requests') {
      this.reset();
      sendJson(response, 200, {});
    } else if (method === 'POST' && path === '/_script') {
      const given: unknown = JSON.parse(body);
      if (Array.isArray(given)) this.enqueue(...given.map(parseScript));
      else this.script = parseScript(given);
      sendJson(response, 200, {});
    } else {
      sendJson(response, 404, { error: { message: `nothing at ${method} ${path}` } });
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function parseBody(method: string, text: string): Body | undefined {
  if (method === 'GET') return {};
  try {
    return record(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function requestIds({ provider, number }: Call): { readonly [name: string]: string } {
  switch (provider) {
    case 'openai':
      return { 'x-request-id': `req_${number}`, 'openai-processing-ms': '12', 'openai-version': '2020-10-01' };
    case 'anthropic':
      return { 'request-id': `req_${number}` };
    case 'bedrock':
      return { 'x-amzn-requestid': `00000000-0000-0000-0000-${String(number).padStart(12, '0')}` };
    case 'gemini':
      return {};
  }
}

function sendError(
  response: ServerResponse,
  provider: Provider,
  error: WireError,
  headers: { readonly [name: string]: string } = {},
): void {
  const native = nativeError(provider, error);
  sendJson(response, error.status, native.body, { ...native.headers, ...headers });
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: { readonly [name: string]: string } = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

function sendWhole(
  response: ServerResponse,
  text: string,
  headers: { readonly [name: string]: string },
  script: Script,
  recorded: RecordedRequest,
): void {
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  if (script.breakAfterEvent === undefined) {
    response.end(text);
    return;
  }
  response.write(text.slice(0, Math.floor(text.length / 2)), () => breakOff(response, recorded));
}

async function sendParts(
  response: ServerResponse,
  { contentType, headers, parts }: WireAnswer,
  ids: { readonly [name: string]: string },
  script: Script,
  recorded: RecordedRequest,
  wire: Wire,
): Promise<void> {
  response.writeHead(200, {
    'content-type': contentType,
    'cache-control': 'no-cache',
    ...ids,
    ...headers,
    ...script.headers,
  });
  response.flushHeaders();
  for (const [index, part] of parts.entries()) {
    if (index === script.breakAfterEvent) {
      // An empty write is called back when everything before it has gone out.
      response.write('', () => breakOff(response, recorded));
      return;
    }
    if (index === script.silentAfterEvent) return;
    if (index === script.errorAfterEvent) {
      const error = wire.streamedError?.({ status: 500, message: script.message ?? 'The script says so.' });
      response.end(error);
      return;
    }
    if (index > 0 && script.delayMs !== undefined) await sleep(script.delayMs);
    if (recorded.end !== undefined) return;
    if (!response.write(part)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end();
}

function breakConnection(response: ServerResponse): void {
  const { stream } = response as { readonly stream?: ServerHttp2Stream };
  if (stream === undefined) response.destroy();
  else stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

function breakOff(response: ServerResponse, recorded: RecordedRequest): void {
  recorded.end = 'broken';
  breakConnection(response);
}
