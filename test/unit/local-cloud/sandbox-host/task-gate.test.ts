import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { relayPolicy } from '../../../../lib/local-cloud/sandbox-host/relay-policy.ts';
import {
  API_SOCKET,
  METADATA_SOCKET,
  MODELS_SOCKET,
  openTaskGate,
  READY_PATH,
  type TaskGate,
} from '../../../../lib/local-cloud/sandbox-host/task-gate.ts';
import { fakeGateway } from '../../../_helpers/fake-gateway.ts';
import { until } from '../../../_helpers/runner-world.ts';
import { TASK } from '../../../_helpers/sandbox-scene.ts';
import { temporaryFolder } from '../../../_helpers/temporary-folder.ts';
import { taskOf } from '../../../sandbox/task.ts';

const API = '/_aws/execute-api/abc/v';
const SIGNED = '?X-Amz-Signature=ab&X-Amz-Expires=60';
const OBJECT = `/wflo-dev-data-artefacts-1/uploads/a${SIGNED}`;

interface Seen {
  readonly line: string;
  readonly headers: IncomingHttpHeaders;
  body: string;
  /** The connection ended before the answer did. */
  brokenOff: boolean;
}

interface Gate {
  readonly gate: TaskGate;
  readonly folder: string;
  /** What came to the local AWS. */
  readonly seen: Seen[];
  readonly refused: unknown[];
  ask(method: string, path: string, more?: { headers?: OutgoingHttpHeaders; body?: string }): Promise<Answer>;
  metadata(method: string, path: string): Promise<Answer>;
}

type Answer = { readonly status: number | undefined; readonly headers: IncomingHttpHeaders; readonly body: string };
type Serve = (request: IncomingMessage, response: ServerResponse) => void;

const echo: Serve = (incoming, response) => {
  incoming.once('end', () => response.writeHead(201, { etag: '"e"', 'x-amz-id': 'of the AWS' }).end('answered'));
};

/** A gate before an upstream that answers by `serve`; both end with the test. */
async function open(
  serve: Serve = echo,
  folder = join(temporaryFolder(), 'gate'),
  modelsOf: (origin: URL) => URL | undefined = () => undefined,
): Promise<Gate> {
  const seen: Seen[] = [];
  const upstream = createServer((incoming, response) => {
    const one: Seen = {
      line: `${incoming.method} ${incoming.url}`,
      headers: incoming.headers,
      body: '',
      brokenOff: false,
    };
    seen.push(one);
    incoming.setEncoding('utf8').on('data', (text: string) => {
      one.body += text;
    });
    response.once('close', () => {
      one.brokenOff = !response.writableFinished;
    });
    serve(incoming, response);
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    upstream.closeAllConnections();
    upstream.close();
  });
  const origin = new URL(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`);
  const refused: unknown[] = [];
  const models = modelsOf(origin);
  const gate = await openTaskGate({
    ...(models === undefined ? {} : { models }),
    folder,
    task: taskOf('t1', 'wflo/python:local', { WFLO_CODE: 'secret' }),
    upstream: origin,
    policy: relayPolicy(new URL(`${origin.origin}${API}`)),
    log: (message, fields) => refused.push({ message, ...fields }),
  });
  onTestFinished(() => gate.close());
  return {
    gate,
    folder,
    seen,
    refused,
    ask: (method, path, more) => ask(join(folder, API_SOCKET), method, path, more),
    metadata: (method, path) => ask(join(folder, METADATA_SOCKET), method, path),
  };
}

function ask(
  socketPath: string,
  method: string,
  path: string,
  { headers = {}, body }: { headers?: OutgoingHttpHeaders; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('end', () => resolve({ status: response.statusCode, headers: response.headers, body: text }));
      response.once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** Opens a connection, sends this, and vanishes when `when` has come true. */
async function vanish(socketPath: string, text: string, when: () => boolean): Promise<void> {
  const socket = connect(socketPath);
  socket.on('error', () => undefined);
  socket.write(text);
  await until(when);
  socket.destroy();
}

describe('the way to the local AWS', () => {
  it.each([
    ['POST', `${API}/v1/claim`],
    ['POST', `${API}/v1/heartbeat`],
    ['POST', `${API}/v1/events`],
    ['POST', `${API}/v1/urls`],
    ['POST', `${API}/v1/complete`],
    ['GET', OBJECT],
    ['PUT', OBJECT],
  ])('passes on %s %s as it is, and the answer', async (method, path) => {
    const { ask, seen, refused } = await open();
    const body = method === 'GET' ? '' : '{"text":"ä"}';
    const headers = {
      host: 'localhost:4566',
      authorization: 'Bearer session',
      'x-amz-checksum-sha256': 'sum',
      'content-length': Buffer.byteLength(body),
    };
    const answer = await ask(method, path, { headers, body });
    expect(answer).toMatchObject({ status: 201, headers: { etag: '"e"', 'x-amz-id': 'of the AWS' }, body: 'answered' });
    expect(seen).toEqual([
      {
        line: `${method} ${path}`,
        // The host is signed with the URL of an object.
        headers: expect.objectContaining({ ...headers, 'content-length': String(headers['content-length']) }),
        body,
        brokenOff: false,
      },
    ]);
    expect(refused).toEqual([]);
  });

  it.each([
    ['POST', '/'],
    ['POST', `${API}/v1/other`],
    ['GET', `${API}/v1/claim`],
    ['POST', '/_aws/execute-api/other/v/v1/claim'],
    ['GET', '/_ministack/health'],
    ['DELETE', OBJECT],
    ['HEAD', OBJECT],
    ['OPTIONS', OBJECT],
    ['GET', '/wflo-dev-data-artefacts-1/uploads/a'],
    ['PUT', `/another-bucket/a${SIGNED}`],
    ['GET', `/wflo-dev-data-artefacts-1/../other/a${SIGNED}`],
    ['GET', `http://169.254.169.254/artefacts/a${SIGNED}`],
  ])('refuses %s %s, whatever its headers say', async (method, path) => {
    const { ask, seen, refused } = await open();
    const answer = await ask(method, path, { headers: { host: 'localhost:4566', 'x-http-method-override': 'POST' } });
    expect(answer.status).toBe(403);
    if (method !== 'HEAD') expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'forbidden' } });
    expect(seen).toEqual([]);
    // No signature is logged.
    const [withoutQuery] = path.split('?');
    expect(refused).toEqual([{ message: 'request of a sandbox refused', taskId: 't1', method, path: withoutQuery }]);
  });

  it('refuses an upload without waiting for its end', async () => {
    const { folder, seen } = await open();
    const socket = connect(join(folder, API_SOCKET));
    onTestFinished(() => void socket.destroy());
    let told = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    socket.write(`PUT /another-bucket/a${SIGNED} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\nbegin`);
    await until(() => told.startsWith('HTTP/1.1 403 '));
    expect(seen).toEqual([]);
  });

  it('is no tunnel: a CONNECT and a changed protocol lead nowhere', async () => {
    const { folder, ask, seen } = await open();
    const socket = connect(join(folder, API_SOCKET));
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined).write('CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: 127.0.0.1:22\r\n\r\n');
    await closed;
    expect(seen).toEqual([]);
    const headers = { connection: 'upgrade', upgrade: 'websocket', 'content-length': 0 };
    expect((await ask('POST', `${API}/v1/claim`, { headers })).status).toBe(201);
    expect(seen.map((one) => one.headers.upgrade)).toEqual([undefined]);
  });

  it('passes on a body of unknown length', async () => {
    const { ask, seen } = await open();
    const headers = { 'transfer-encoding': 'chunked' };
    expect((await ask('POST', `${API}/v1/events`, { headers, body: 'in pieces' })).status).toBe(201);
    expect(seen[0]).toMatchObject({ body: 'in pieces', headers });
  });
});

describe('the way to the local AWS, when somebody is gone,', () => {
  it('survives a client that vanishes in its upload, and breaks off the upload', async () => {
    const { folder, seen, ask } = await open();
    await vanish(
      join(folder, API_SOCKET),
      `PUT ${OBJECT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\nbegin`,
      () => seen[0]?.body === 'begin',
    );
    await until(() => seen[0]?.brokenOff === true);
    expect((await ask('POST', `${API}/v1/heartbeat`)).status).toBe(201);
  });

  it('survives a client that vanishes before or in its answer, and asks no further', async () => {
    const { folder, seen, ask } = await open((incoming, response) => {
      incoming.resume();
      // Neither ends.
      if (incoming.url?.startsWith(`${API}/v1/events`)) return;
      if (incoming.method === 'GET') response.writeHead(200, { 'content-length': 1_000_000 }).write('begin');
      else response.end('answered');
    });
    const socket = join(folder, API_SOCKET);
    await vanish(
      socket,
      `POST ${API}/v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n`,
      () => seen.length === 1,
    );
    await vanish(socket, `GET ${OBJECT} HTTP/1.1\r\nhost: localhost\r\n\r\n`, () => seen.length === 2);
    await until(() => seen.every((one) => one.brokenOff));
    expect((await ask('POST', `${API}/v1/heartbeat`)).status).toBe(200);
  });

  it('tells a client that its answer broke off', async () => {
    const { ask } = await open((incoming, response) => {
      incoming.resume();
      response.writeHead(200, { 'content-length': 1_000_000 }).write('begin', () => response.destroy());
    });
    await expect(ask('GET', OBJECT)).rejects.toThrow('aborted');
    await expect(ask('GET', OBJECT)).rejects.toThrow('aborted');
  });

  it('ends the connection where the local AWS breaks its own', async () => {
    const { ask } = await open((incoming) => incoming.socket.destroy());
    for (const body of ['', 'x'.repeat(1_000_000)])
      await expect(ask('PUT', OBJECT, { body })).rejects.toMatchObject({ code: expect.stringMatching(/ECONN|EPIPE/) });
  });
});

describe('the way to the models', () => {
  const CHAT = '/models/openai/v1/chat/completions';

  it('is closed where there is no gateway', async () => {
    const { ask, folder } = await open();
    expect((await ask('POST', CHAT)).status).toBe(403);
    expect(existsSync(join(folder, MODELS_SOCKET))).toBe(false);
  });

  it('is on the socket of the API where the gateway is behind it', async () => {
    const { ask, folder, seen } = await open(echo, undefined, (origin) => new URL('/models', origin));
    expect((await ask('POST', CHAT, { body: '{}' })).status).toBe(201);
    expect((await ask('POST', `${API}/v1/claim`, { body: '{}' })).status).toBe(201);
    expect((await ask('POST', '/models/other/v1')).status).toBe(403);
    expect(seen.map(({ line }) => line)).toEqual([`POST ${CHAT}`, `POST ${API}/v1/claim`]);
    expect(existsSync(join(folder, MODELS_SOCKET))).toBe(false);
  });

  it('has a socket of its own else, which leads to the gateway alone, piece by piece', async () => {
    const gateway = await fakeGateway();
    onTestFinished(() => gateway.close());
    let next: (() => void) | undefined;
    gateway.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      next = () => void response.end('data: 1\n\n');
    };
    const { gate, ask: askApi, folder, seen } = await open(echo, undefined, () => new URL(gateway.url));
    expect((await askApi('POST', CHAT)).status).toBe(403);
    const socketPath = join(folder, MODELS_SOCKET);
    expect(statSync(socketPath).mode & 0o777).toBe(0o666);
    // The head is there before the first event is written.
    const body = await new Promise<string>((resolve, reject) => {
      const sent = request({ socketPath, method: 'POST', path: CHAT, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('end', () => resolve(text));
        next?.();
      });
      sent.once('error', reject).end('{}');
    });
    expect(body).toBe('data: 1\n\n');
    for (const path of [`${API}/v1/claim`, '/models/other/v1', '/models/openai/../../x'])
      expect((await ask(socketPath, 'POST', path)).status, path).toBe(403);
    expect((await ask(socketPath, 'PUT', OBJECT)).status).toBe(403);
    expect(gateway.seen.map(({ url }) => url)).toEqual([CHAT]);
    expect(seen).toEqual([]);
    await gate.close();
    await expect(ask(socketPath, 'POST', CHAT)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('the metadata', () => {
  it('are those of the task, without its environment, below an unguessable path', async () => {
    const { gate, metadata } = await open();
    expect(gate.metadataPath).toMatch(/^\/v4\/[\w-]{32}$/);
    const task = await metadata('GET', `${gate.metadataPath}/task`);
    expect([task.status, JSON.parse(task.body)]).toMatchObject([200, { TaskARN: TASK, Family: 'sandbox' }]);
    expect(task.body).not.toContain('secret');
    expect(JSON.parse((await metadata('GET', gate.metadataPath)).body)).toMatchObject({ Name: 'sandbox' });
    for (const [method, path] of [
      ['GET', '/v4/t1/task'],
      ['GET', `${gate.metadataPath}/`],
      ['GET', `${gate.metadataPath}/credentials`],
      ['POST', `${gate.metadataPath}/task`],
      ['POST', `${API}/v1/claim`],
    ] as const)
      expect((await metadata(method, path)).status, `${method} ${path}`).toBe(404);
  });

  it('are not on the socket of the API, and the API is not on theirs', async () => {
    const { gate, ask, metadata, seen } = await open();
    expect((await ask('GET', gate.metadataPath)).status).toBe(403);
    expect((await metadata('GET', OBJECT)).status).toBe(404);
    expect(seen).toEqual([]);
  });

  it('come beside the word of the relay that it listens', async () => {
    const { gate, metadata } = await open();
    let ready = false;
    void gate.ready.then(() => {
      ready = true;
    });
    await metadata('GET', gate.metadataPath);
    expect(ready).toBe(false);
    expect((await metadata('GET', READY_PATH)).status).toBe(204);
    await gate.ready;
  });
});

describe('the sockets', () => {
  it('may be used by the relay, which is nobody', async () => {
    const { folder } = await open();
    for (const name of [API_SOCKET, METADATA_SOCKET]) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o666);
  });

  it('are gone with the gate, also while somebody is being answered', async () => {
    const { gate, folder, seen, ask, metadata } = await open((incoming) => void incoming.resume());
    const asked = ask('POST', `${API}/v1/events`);
    const failure = expect(asked).rejects.toMatchObject({ code: 'ECONNRESET' });
    await until(() => seen.length === 1);
    await gate.close();
    await failure;
    await until(() => seen[0]?.brokenOff === true);
    expect(existsSync(folder)).toBe(false);
    await expect(ask('POST', `${API}/v1/claim`)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(metadata('GET', gate.metadataPath)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('take the place of those that a killed host left', async () => {
    const folder = join(temporaryFolder(), 'gate');
    mkdirSync(folder);
    writeFileSync(join(folder, API_SOCKET), '');
    const { ask } = await open(echo, folder);
    expect((await ask('POST', `${API}/v1/claim`)).status).toBe(201);
  });
});

it('does not open before HTTPS whose certificate it does not have', async () => {
  const folder = join(temporaryFolder(), 'gate');
  const upstream = new URL('https://localhost:4566');
  const options = { folder, task: taskOf('t1', 'image', {}), upstream, log: () => undefined };
  await expect(openTaskGate({ ...options, policy: relayPolicy(upstream) })).rejects.toThrow('certificate');
  expect(existsSync(folder)).toBe(false);
});
