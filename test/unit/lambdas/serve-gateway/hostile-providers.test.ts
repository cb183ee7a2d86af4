import { request } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createGateway } from '../../../../lambdas/serve-gateway/app.ts';
import { serveGateway } from '../../../../lambdas/serve-gateway/node-server.ts';
import { nodeUpstream } from '../../../../lambdas/serve-gateway/node-upstream.ts';
import { usd } from '../../../../lib/budget/money.ts';
import { gatewayScene } from '../../../_helpers/gateway-scene.ts';

/** What no provider should answer, written to the socket as it is. */

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const CALL = JSON.stringify({ model: 'plain-1', input: 1000, output: 1000 });

async function world(provide: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  let requests = 0;
  const provider = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      if (chunk.toString('latin1').includes('POST ')) requests += 1;
      if (chunk.toString('latin1').includes('}')) provide(socket);
    });
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const scene = await gatewayScene({ budget: { limit: usd(10) } });
  const upstream = nodeUpstream();
  const served = createGateway({
    ...scene.ports,
    keys: { get: async () => ({ baseUrl, authorise: async () => ({}) }), renewed: async () => undefined },
    upstream,
  });
  const server = await serveGateway(served, 0);
  closing.push(
    () => server.stop(0),
    () => upstream.close(),
    () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => provider.close(resolve));
    },
  );
  const url = `http://127.0.0.1:${server.port}/models/openai/v1/chat/completions`;
  const headers = { authorization: `Bearer ${scene.token}`, 'x-wflo-epoch': '1' };
  return { ...scene, served, url, headers, requests: () => requests };
}

describe('an answer that cannot be', () => {
  it.each([
    ['is no HTTP', 'nonsense\r\n\r\n'],
    ['changes the protocol', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
    ['has 20 KB of headers', `HTTP/1.1 200 OK\r\nx-padding: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['has two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 5\r\n\r\n{}'],
    ['has a length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}'],
  ])('%s: the call failed, once, and all of it stays held', async (_name, answer) => {
    const one = await world((socket) => void socket.write(answer));
    const response = await fetch(one.url, { method: 'POST', headers: one.headers, body: CALL });
    expect(response.status).toBe(502);
    await response.text();
    await one.served.idle();
    expect(one.requests()).toBe(1);
    expect((await one.holds()).map(({ state }) => state)).toEqual(['unsettled']);
    expect([await one.spent(), await one.held()]).toEqual([0, usd('0.09')]);
  });

  it.each([
    ['is shorter than it says', 'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"usage":{"input":1', true],
    ['has a chunk that is none', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}', false],
    ['ends within its chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n20\r\n{"usage"', true],
  ])('%s: it is not taken for whole', async (_name, answer, ends) => {
    const one = await world((socket) => {
      if (ends) socket.end(answer);
      else socket.write(answer);
    });
    const reading = fetch(one.url, { method: 'POST', headers: one.headers, body: CALL }).then(async (response) => {
      await response.text();
      return response.status;
    });
    const outcome = await reading.catch(() => 'broken off');
    expect(['broken off', 502]).toContain(outcome);
    await one.served.idle();
    expect(one.requests()).toBe(1);
    expect((await one.holds()).map(({ state }) => state)).toEqual(['unsettled']);
  });

  it('that is a redirect is not followed', async () => {
    const elsewhere = await world((socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'));
    const location = new URL(elsewhere.url).origin;
    const one = await world(
      (socket) => void socket.write(`HTTP/1.1 307 Elsewhere\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`),
    );
    const response = await fetch(one.url, { method: 'POST', headers: one.headers, body: CALL });
    expect([response.status, response.headers.get('location')]).toEqual([502, null]);
    await response.text();
    expect([one.requests(), elsewhere.requests()]).toEqual([1, 0]);
  });
});

it('no more is taken from a provider than its client takes, and the rest once that has gone', async () => {
  const chunk = Buffer.alloc(256 * 1024, 'x');
  const chunks = 256;
  let written = 0;
  const one = await world((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n');
    const more = () => {
      while (written < chunks) {
        written += 1;
        if (!socket.write(chunk)) {
          socket.once('drain', more);
          return;
        }
      }
      socket.end('\n\ndata: {"usage":{"input":1000,"output":500}}\n\n');
    };
    more();
  });
  const client = request(one.url, { method: 'POST', headers: one.headers });
  client.on('error', () => {});
  client.end(CALL);
  await new Promise((resolve) =>
    client.once('response', (answer) => answer.once('data', () => resolve(answer.pause()))),
  );
  let before = -1;
  // Until it stands still: what there is fits into the buffers of two connections.
  await expect
    .poll(
      () => {
        const still = written === before;
        before = written;
        return still;
      },
      { interval: 300, timeout: 10_000 },
    )
    .toBe(true);
  expect(written).toBeLessThan(chunks);
  expect(await one.held()).toBe(usd('0.09'));
  client.destroy();
  await expect.poll(() => written, { timeout: 10_000 }).toBe(chunks);
  await one.served.idle();
  expect(await one.held()).toBe(0);
});
