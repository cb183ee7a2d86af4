import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { REQUEST_LIMIT_BYTES } from '../../../sandbox-images/runner/src/model-call.ts';
import { type ModelProxy, startModelProxy } from '../../../sandbox-images/runner/src/model-proxy.ts';
import type { Timings } from '../../../sandbox-images/runner/src/timings.ts';
import { completion, type FakeGateway, fakeGateway } from '../../_helpers/fake-gateway.ts';
import { FAST, until } from '../../_helpers/runner-world.ts';

interface Scene {
  readonly gateway: FakeGateway;
  readonly proxy: ModelProxy;
  readonly session: { token: string; epoch: number };
  /** Messages with which the step was ended. */
  readonly stopped: string[];
}

async function scene({ modelsUrl, ...timings }: Partial<Timings> & { modelsUrl?: string } = {}): Promise<Scene> {
  const gateway = await fakeGateway();
  const session = { token: 'token-1', epoch: 7 };
  const stopped: string[] = [];
  const proxy = await startModelProxy({
    modelsUrl: modelsUrl ?? gateway.url,
    session,
    timings: { ...FAST, ...timings },
    onBudgetExceeded: (message) => void stopped.push(message),
  });
  onTestFinished(async () => {
    proxy.close();
    await gateway.close();
  });
  return { gateway, proxy, session, stopped };
}

interface Ask {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  /** Told of every piece of the answer. */
  readonly onChunk?: (text: string) => void;
  readonly signal?: AbortSignal;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Client = (url: string, ask?: Ask) => Promise<Answer>;

const http1: Client = (url, { method = 'POST', headers = {}, body, onChunk, signal } = {}) =>
  new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false, ...(signal && { signal }) }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        onChunk?.(chunk);
      });
      answer.once('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: text }));
      answer.once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });

/** With prior knowledge, as the Bedrock client for JavaScript speaks it. */
const http2: Client = (url, { method = 'POST', headers = {}, body, onChunk, signal } = {}) =>
  new Promise((resolve, reject) => {
    const { origin, pathname, search } = new URL(url);
    const session = connectHttp2(origin, secured.ca === undefined ? {} : secured);
    session.once('error', reject);
    const sent = session.request({ ':method': method, ':path': `${pathname}${search}`, ...headers });
    let text = '';
    let seen: IncomingHttpHeaders & { ':status'?: number | undefined } = {};
    sent.once('response', (answered) => {
      seen = answered;
    });
    sent.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      onChunk?.(chunk);
    });
    sent.once('error', reject);
    sent.once('close', () => {
      session.close();
      if (sent.rstCode === 0) resolve({ status: seen[':status'], headers: seen, body: text });
      else reject(new Error(`reset with ${sent.rstCode}`));
    });
    signal?.addEventListener('abort', () => session.destroy());
    sent.end(body);
  });

/** What the clients over TLS trust. */
const secured: { ca?: string } = {};

const CLIENTS: [string, Client][] = [
  ['HTTP/1.1', http1],
  ['HTTP/2 with prior knowledge', http2],
];

const CHAT = '/openai/v1/chat/completions';
const JSON_TYPE = { 'content-type': 'application/json' };

describe.each(CLIENTS)('a model call in %s', (_version, ask) => {
  it('reaches the gateway with the right of the lease, and its answer comes back', async () => {
    const { gateway, proxy } = await scene();
    gateway.answer = (_request, response) => {
      response.writeHead(201, { 'x-wflo-note': 'n', 'content-type': 'text/plain', trailer: 'x' }).end('answered');
    };
    const answer = await ask(`${proxy.url}${CHAT}?a=%2e%20b`, { body: '{"model":"ü"}', headers: JSON_TYPE });
    expect(answer).toMatchObject({ status: 201, body: 'answered', headers: { 'x-wflo-note': 'n' } });
    expect(answer.headers).not.toHaveProperty('trailer');
    expect(gateway.seen).toMatchObject([
      {
        method: 'POST',
        url: `/models${CHAT}?a=%2e%20b`,
        headers: {
          authorization: 'Bearer token-1',
          'x-wflo-epoch': '7',
          'content-type': 'application/json',
          host: new URL(gateway.url).host,
        },
        whole: true,
      },
    ]);
    expect(gateway.seen[0]?.body.toString()).toBe('{"model":"ü"}');
  });

  it('keeps the encoding of a path as it came', async () => {
    const { gateway, proxy } = await scene();
    const path = '/bedrock/model/arn%3Aaws%3abedrock%2Fclaude%20x:0/converse';
    expect((await ask(`${proxy.url}${path}`, { body: '{}' })).status).toBe(200);
    expect(gateway.seen[0]?.url).toBe(`/models${path}`);
  });

  it('carries no credential, no cookie and nothing that is for the way', async () => {
    const { gateway, proxy } = await scene();
    const dropped = {
      authorization: 'AWS4-HMAC-SHA256 Credential=AKIA',
      'x-api-key': 'k',
      'x-goog-api-key': 'k',
      'api-key': 'k',
      cookie: 'c=1',
      'x-amz-date': '20260101T000000Z',
      'x-amz-security-token': 't',
      'x-amz-content-sha256': 'h',
      'x-wflo-epoch': '99',
      'x-wflo-tenant': 'other',
      'x-forwarded-host': 'other',
      'x-original-url': '/v1/claim',
      'x-http-method-override': 'PUT',
      expect: '100-continue',
      ...(ask === http1 ? { connection: 'x-named, close', 'x-named': 'n', te: 'trailers', upgrade: 'h2c' } : {}),
    };
    const kept = {
      'anthropic-beta': 'b',
      'x-stainless-retry-count': '1',
      'x-amzn-bedrock-service-tier': 'flex',
      'user-agent': 'sdk',
    };
    expect((await ask(`${proxy.url}${CHAT}`, { body: '{}', headers: { ...dropped, ...kept } })).status).toBe(200);
    const { host: _host, connection: _own, ...headers } = gateway.seen[0]?.headers ?? {};
    expect(headers).toEqual({
      ...kept,
      'transfer-encoding': 'chunked',
      authorization: 'Bearer token-1',
      'x-wflo-epoch': '7',
    });
  });

  it('passes a stream on piece by piece, while the gateway still writes', async () => {
    const { gateway, proxy } = await scene();
    let next: (() => void) | undefined;
    gateway.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      let number = 0;
      next = () => {
        number += 1;
        if (number < 5) response.write(`data: ${number}\n\n`);
        else response.end('data: [DONE]\n\n');
      };
      next();
    };
    const pieces: string[] = [];
    const answer = await ask(`${proxy.url}${CHAT}`, {
      body: '{"stream":true}',
      // Each event is written only once the one before has been read.
      onChunk: (text) => {
        pieces.push(text);
        next?.();
      },
    });
    expect(pieces).toEqual([...[1, 2, 3, 4].map((n) => `data: ${n}\n\n`), 'data: [DONE]\n\n']);
    expect(answer.status).toBe(200);
  });

  it('carries a large body and a large answer unchanged', async () => {
    const { gateway, proxy } = await scene();
    const body = Buffer.alloc(5 * 1024 * 1024, 'ab c');
    gateway.answer = (incoming, response, call) => {
      incoming.once('end', () => response.end(call.body));
    };
    const answer = await ask(`${proxy.url}${CHAT}`, { body, headers: { 'content-length': body.length } });
    expect(answer.status).toBe(200);
    expect(answer.body === body.toString()).toBe(true);
  });

  it.each([
    ['that says so', { 'content-length': REQUEST_LIMIT_BYTES + 1 }],
    ['in pieces', {}],
  ])('with a body beyond the limit %s gets 413', async (_how, headers) => {
    const { gateway, proxy } = await scene();
    const answer = await ask(`${proxy.url}${CHAT}`, { body: Buffer.alloc(REQUEST_LIMIT_BYTES + 1), headers });
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'request_too_large' } });
    expect(gateway.seen.filter((call) => call.whole)).toEqual([]);
    expect((await ask(`${proxy.url}${CHAT}`, { body: '{}' })).status).toBe(200);
  });

  it('without a body may be a GET, and no other method is passed on', async () => {
    const { gateway, proxy } = await scene();
    gateway.answer = (_request, response) => void response.end('[]');
    expect((await ask(`${proxy.url}/openai/v1/models`, { method: 'GET' })).status).toBe(200);
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD']) {
      expect((await ask(`${proxy.url}${CHAT}`, { method })).status, method).toBe(405);
    }
    expect(gateway.seen.map(({ method }) => method)).toEqual(['GET']);
  });

  it('is ended at the gateway when the agent is gone, before and in its answer', async () => {
    const { gateway, proxy } = await scene();
    gateway.answer = (incoming, response) => {
      incoming.resume();
      if (gateway.seen.length === 2) response.writeHead(200).write('begin');
    };
    for (const number of [1, 2]) {
      const gone = new AbortController();
      const asked = ask(`${proxy.url}${CHAT}`, { body: '{}', signal: gone.signal, onChunk: () => gone.abort() });
      asked.catch(() => undefined);
      await until(() => gateway.seen[number - 1]?.whole === true);
      if (number === 1) gone.abort();
      await until(() => gateway.seen[number - 1]?.brokenOff === true);
    }
  });

  it('breaks off where the gateway breaks off', async () => {
    const { gateway, proxy } = await scene();
    gateway.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n', () => setImmediate(() => response.destroy()));
    };
    const pieces: string[] = [];
    const asked = ask(`${proxy.url}${CHAT}`, { body: '{}', onChunk: (text) => pieces.push(text) });
    await expect(asked).rejects.toThrow();
    expect(pieces).toEqual(['data: 1\n\n']);
  });

  it('breaks off where the gateway is silent too long in its answer', async () => {
    const { gateway, proxy } = await scene({ modelIdleMs: 100 });
    gateway.answer = (_request, response) => void response.writeHead(200).write('begin');
    await expect(ask(`${proxy.url}${CHAT}`, { body: '{}' })).rejects.toThrow();
  });

  it.each(['no server', 'a server that hangs up', 'a server that says nothing'])(
    'gets 503 where there is %s, in words that SDKs show',
    async (what) => {
      const { gateway, proxy } = await scene(what.endsWith('says nothing') ? { modelIdleMs: 100 } : {});
      if (what === 'no server') await gateway.close();
      gateway.answer = (incoming) => {
        incoming.resume();
        if (what === 'a server that hangs up') incoming.socket.destroy();
      };
      for (const [path, type] of [
        [CHAT, undefined],
        ['/bedrock/model/m/converse', 'ServiceUnavailableException'],
      ] as const) {
        const answer = await ask(`${proxy.url}${path}`, { body: '{}' });
        expect(answer.status).toBe(503);
        expect(answer.headers['x-amzn-errortype']).toBe(type);
        const message = expect.stringContaining('gateway could not be reached');
        expect(JSON.parse(answer.body)).toEqual({
          type: 'error',
          error: { type: 'provider_failed', code: 'gateway_unreachable', message },
          message,
        });
      }
      if (what === 'no server') gateway.close = async () => undefined;
    },
  );

  it('follows no redirect', async () => {
    const { gateway, proxy } = await scene();
    gateway.answer = (_request, response) =>
      void response.writeHead(307, { location: `${gateway.url}/elsewhere` }).end();
    expect(await ask(`${proxy.url}${CHAT}`, { body: '{}' })).toMatchObject({
      status: 307,
      headers: { location: `${gateway.url}/elsewhere` },
    });
    expect(gateway.seen).toHaveLength(1);
  });

  it.each([
    ['without the secret', (url: string) => new URL(CHAT, url).href],
    ['with another secret', (url: string) => `${url}x${CHAT}`],
    ['of an unknown provider', (url: string) => `${url}/mistral/v1/chat`],
    ['with an empty segment', (url: string) => `${url}/openai//v1/models`],
  ])('%s leads nowhere', async (_what, target) => {
    const { gateway, proxy } = await scene();
    const answer = await ask(target(proxy.url), { body: '{}' });
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([404, { error: { code: 'not_found' } }]);
    expect(gateway.seen).toEqual([]);
  });

  it('has the newest token', async () => {
    const { gateway, proxy, session } = await scene();
    await ask(`${proxy.url}${CHAT}`, { body: '{}' });
    session.token = 'token-2';
    await ask(`${proxy.url}${CHAT}`, { body: '{}' });
    expect(gateway.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
  });

  it('is passed on 64 at a time, each with its own answer', async () => {
    const { gateway, proxy } = await scene();
    gateway.answer = (incoming, response, call) => void incoming.once('end', () => response.end(call.body));
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, index) => ask(`${proxy.url}${CHAT}`, { body: `call ${index}` })),
    );
    expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 64 }, (_, index) => `call ${index}`));
  });
});

describe('a token that the gateway does not know any more', () => {
  /** Refuses the first call, and renews the token meanwhile. */
  function renewing({ gateway, session }: Scene): void {
    gateway.answer = (incoming, response, call) => {
      incoming.once('end', () => {
        if (call.headers.authorization === 'Bearer token-2') return void response.end(call.body);
        session.token = 'token-2';
        response.writeHead(401).end('unknown');
      });
    };
  }

  it('is replaced by the newer one, and the call repeated once, with the same body', async () => {
    const one = await scene();
    renewing(one);
    const body = 'x'.repeat(200_000);
    expect(await http1(`${one.proxy.url}${CHAT}`, { body })).toMatchObject({ status: 200, body });
    expect(one.gateway.seen.map(({ body: { length } }) => length)).toEqual([200_000, 200_000]);
    expect(one.gateway.seen[1]?.headers['content-length']).toBe('200000');
  });

  it('is told the agent where the body was too large to keep', async () => {
    const one = await scene();
    renewing(one);
    expect((await http1(`${one.proxy.url}${CHAT}`, { body: 'x'.repeat(300_000) })).status).toBe(401);
    expect(one.gateway.seen).toHaveLength(1);
  });

  it('is told the agent where there is none newer, or the newer is not known either', async () => {
    const { gateway, proxy, session } = await scene();
    gateway.answer = (_request, response) => void response.writeHead(401).end('unknown');
    expect((await http1(`${proxy.url}${CHAT}`, { body: '{}' })).status).toBe(401);
    expect(gateway.seen).toHaveLength(1);
    gateway.answer = (_request, response) => {
      session.token += 'x';
      response.writeHead(401).end('unknown');
    };
    expect((await http1(`${proxy.url}${CHAT}`, { body: '{}' })).status).toBe(401);
    expect(gateway.seen).toHaveLength(3);
  });

  it('is no reason to repeat what was refused otherwise', async () => {
    const { gateway, proxy, session } = await scene();
    gateway.answer = (_request, response) => {
      session.token += 'x';
      response.writeHead(409, { 'retry-after': '5' }).end('{"error":{"code":"budget_pending"}}');
    };
    expect(await http1(`${proxy.url}${CHAT}`, { body: '{}' })).toMatchObject({
      status: 409,
      headers: { 'retry-after': '5' },
    });
    expect(gateway.seen).toHaveLength(1);
  });
});

describe('an answer that ends the step', () => {
  const body = '{"error":{"message":"the budget of $0.10 is used up","code":"budget_exhausted"}}';
  const refusing: FakeGateway['answer'] = (_request, response) =>
    void response.writeHead(402, { 'x-wflo-stop': 'budget_exceeded', 'x-should-retry': 'false' }).end(body);

  it.each(CLIENTS)('is passed on in %s, and then told with its message', async (_version, ask) => {
    const { gateway, proxy, stopped } = await scene();
    gateway.answer = refusing;
    expect(proxy.exceeded).toBeUndefined();
    expect(await ask(`${proxy.url}${CHAT}`, { body: '{}' })).toMatchObject({
      status: 402,
      body,
      headers: { 'x-should-retry': 'false' },
    });
    await until(() => stopped.length > 0);
    expect(stopped).toEqual(['the budget of $0.10 is used up']);
    expect(proxy.exceeded).toBe('the budget of $0.10 is used up');
  });

  it('ends it as well where the agent does not wait for the answer, or there is no message', async () => {
    const { gateway, proxy, stopped } = await scene();
    gateway.answer = (_request, response) => {
      response.writeHead(402, { 'x-wflo-stop': 'budget_exceeded' }).write('{"error":');
    };
    const gone = new AbortController();
    const asked = http1(`${proxy.url}${CHAT}`, { body: '{}', signal: gone.signal, onChunk: () => gone.abort() });
    await expect(asked).rejects.toThrow();
    await until(() => stopped.length > 0);
    expect(stopped).toEqual(['a budget does not suffice for a model call of the agent']);
  });

  it('is not taken for one with another word, and cannot be forged by the agent', async () => {
    const { gateway, proxy, stopped } = await scene();
    gateway.answer = (_request, response) => void response.writeHead(200, { 'x-wflo-stop': 'later' }).end();
    await http1(`${proxy.url}${CHAT}`, { body: '{}', headers: { 'x-wflo-stop': 'budget_exceeded' } });
    expect(gateway.seen[0]?.headers).not.toHaveProperty('x-wflo-stop');
    expect(proxy.exceeded).toBeUndefined();
    expect(stopped).toEqual([]);
  });
});

describe('what is written to the socket itself', () => {
  async function raw(proxy: ModelProxy, text: string | Buffer): Promise<string> {
    const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let told = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      told += chunk;
    });
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined).write(text);
    await Promise.race([closed, until(() => told.includes('\r\n\r\n')).catch(() => undefined)]);
    return told;
  }

  it.each([
    ['an absolute target', (path: string) => `POST http://169.254.169.254${path} HTTP/1.1\r\nhost: x\r\n\r\n`, ' 404 '],
    ['a way up', (path: string) => `GET ${path}/../../../v1/claim HTTP/1.1\r\nhost: x\r\n\r\n`, ' 404 '],
    ['an encoded way up', (path: string) => `GET ${path}/%2e%2e/%2E%2E/claim HTTP/1.1\r\nhost: x\r\n\r\n`, ' 404 '],
    ['an asterisk', () => 'OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n', ' 404 '],
    ['a tunnel', () => 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: 127.0.0.1:22\r\n\r\n', ''],
    [
      'two lengths',
      (path: string) => `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcde`,
      ' 400 ',
    ],
    [
      'a length and pieces',
      (path: string) =>
        `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      ' 400 ',
    ],
    ['no HTTP', () => 'SSH-2.0-client\r\n\r\n', ' 400 '],
  ])('%s reaches nobody', async (_what, text, expected) => {
    const { gateway, proxy } = await scene();
    const told = await raw(proxy, text(`${new URL(proxy.url).pathname}${CHAT}`));
    expect(told.split('\r\n')[0]).toContain(expected);
    expect(gateway.seen).toEqual([]);
    expect((await http1(`${proxy.url}${CHAT}`, { body: '{}' })).status).toBe(200);
  });

  it('a body of a GET is no second request', async () => {
    const { gateway, proxy } = await scene();
    gateway.answer = (_request, response) => void response.end('{}');
    const inner = 'POST /models/v1/claim HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n';
    const path = `${new URL(proxy.url).pathname}/openai/v1/models`;
    await raw(proxy, `GET ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${inner.length}\r\n\r\n${inner}`);
    await http1(`${proxy.url}${CHAT}`, { body: '{}' });
    expect(gateway.seen.map(({ method, body }) => [method, body.length])).toEqual([
      ['GET', 0],
      ['POST', 2],
    ]);
  });

  it('is understood in pieces of one byte, and an unfinished preface holds nothing up', async () => {
    const { proxy } = await scene();
    const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1').setNoDelay(true);
    onTestFinished(() => void socket.destroy());
    let told = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      told += chunk;
    });
    const path = `${new URL(proxy.url).pathname}${CHAT}`;
    for (const letter of `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}`) {
      await new Promise<void>((resolve) => socket.write(letter, () => setImmediate(resolve)));
    }
    await until(() => told.includes('hello'));
    const unfinished = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    onTestFinished(() => void unfinished.destroy());
    unfinished.on('error', () => undefined).write('PRI * HT');
    expect((await http2(`${proxy.url}${CHAT}`, { body: '{}' })).status).toBe(200);
  });

  it('ends the call where it is shorter than it says', async () => {
    const { gateway, proxy } = await scene();
    const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    const path = `${new URL(proxy.url).pathname}${CHAT}`;
    socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nbegin`);
    await until(() => gateway.seen[0]?.body.toString() === 'begin');
    socket.destroy();
    await until(() => gateway.seen[0]?.brokenOff === true);
    expect(gateway.seen[0]?.whole).toBe(false);
  });
});

describe('a model call over TLS', () => {
  it('is one in HTTP/2, where the certificate is trusted, and none where it is not', async () => {
    const { gateway, proxy } = await scene();
    await expect(http2(`${proxy.secureUrl}${CHAT}`, { body: '{}' })).rejects.toThrow('self-signed');
    secured.ca = proxy.certificate;
    onTestFinished(() => {
      delete secured.ca;
    });
    expect((await http2(`${proxy.secureUrl}${CHAT}`, { body: '{}' })).status).toBe(200);
    expect(gateway.seen).toHaveLength(1);
  });

  it('is one in HTTP/1.1 as well, as botocore speaks it', async () => {
    const { proxy } = await scene();
    const status = await new Promise((resolve, reject) => {
      const options = { method: 'POST', agent: false as const, ca: proxy.certificate };
      const sent = httpsRequest(`${proxy.secureUrl}${CHAT}`, options, (answer) => resolve(answer.resume().statusCode));
      sent.once('error', reject).end('{}');
    });
    expect(status).toBe(200);
  });
});

describe('pressure', () => {
  it('of a gateway that does not read holds the agent up, and of an agent that does not read holds the gateway up', async () => {
    const { gateway, proxy } = await scene();
    let written = 0;
    let isHeld = false;
    gateway.answer = (incoming, response) => {
      incoming.resume();
      const chunk = Buffer.alloc(64 * 1024);
      const more = (): void => {
        while (written < 256 * 1024 * 1024) {
          written += chunk.length;
          if (!response.write(chunk)) {
            isHeld = true;
            response.once('drain', more);
            return;
          }
        }
      };
      more();
    };
    const sent = request(`${proxy.url}${CHAT}`, { method: 'POST', agent: false });
    sent.on('error', () => undefined).end('{}');
    onTestFinished(() => void sent.destroy());
    const answer = await new Promise<NodeJS.ReadableStream>((resolve) => sent.once('response', resolve));
    answer.pause();
    let before = -1;
    await until(() => {
      const still = isHeld && written === before;
      before = written;
      return still;
    });
    // What the sockets between hold, and no more.
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('a proxy', () => {
  it('listens on loopback alone, below a path of its own', async () => {
    const [one, other] = [await scene(), await scene()];
    expect(one.proxy.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}$/);
    expect(new URL(one.proxy.url).pathname).not.toBe(new URL(other.proxy.url).pathname);
  });

  it('that is closed ends every call under way, and takes none', async () => {
    const { gateway, proxy } = await scene();
    gateway.answer = (incoming) => void incoming.resume();
    const asked = CLIENTS.map(([, ask]) => ask(`${proxy.url}${CHAT}`, { body: '{}' }));
    const ended = Promise.all(asked.map((one) => expect(one).rejects.toThrow()));
    await until(() => gateway.seen.length === 2);
    proxy.close();
    await ended;
    await until(() => gateway.seen.every(({ brokenOff }) => brokenOff));
    await expect(http1(`${proxy.url}${CHAT}`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('takes no more calls at a time than it can hold, and then some again', async () => {
    const { gateway, proxy } = await scene();
    gateway.answer = (incoming) => void incoming.resume();
    const gone = new AbortController();
    const session = connectHttp2(new URL(proxy.url).origin);
    onTestFinished(() => session.destroy());
    session.on('error', () => undefined);
    for (let number = 0; number < 256; number++) {
      const stream = session.request({ ':method': 'POST', ':path': `${new URL(proxy.url).pathname}${CHAT}` });
      stream.on('error', () => undefined).end('{}');
    }
    await until(() => gateway.seen.length === 256);
    const answer = await http1(`${proxy.url}${CHAT}`, { body: '{}', signal: gone.signal });
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '1']);
    session.destroy();
    await until(() => gateway.seen.every(({ brokenOff }) => brokenOff));
    gateway.answer = completion;
    expect((await http1(`${proxy.url}${CHAT}`, { body: '{}' })).status).toBe(200);
  });

  it.each(['http://example.com/models', 'ftp://127.0.0.1', 'gateway', 'http://127.0.0.1.example.com'])(
    'does not send the token to %s',
    async (modelsUrl) => {
      await expect(scene({ modelsUrl })).rejects.toThrow('not an HTTPS URL');
    },
  );

  it('does not wait for a connection without end', async () => {
    // A server whose queue is full does not answer at all.
    const full = createTcpServer();
    await new Promise<void>((resolve) => full.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, resolve));
    const { port } = full.address() as AddressInfo;
    full.on('connection', (socket) => socket.pause());
    onTestFinished(() => void full.close());
    const { proxy } = await scene({ modelsUrl: `https://127.0.0.1:${port}/models`, modelConnectMs: 100 });
    expect((await http1(`${proxy.url}${CHAT}`, { body: '{}' })).status).toBe(503);
  });

  it('uses a connection to the gateway again', async () => {
    const ports = new Set<number | undefined>();
    const server = createServer((incoming, response) => {
      ports.add(incoming.socket.remotePort);
      incoming.resume();
      response.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { proxy } = await scene({ modelsUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    for (let call = 0; call < 5; call++) await http1(`${proxy.url}${CHAT}`, { body: '{}' });
    expect(ports.size).toBe(1);
  });
});
