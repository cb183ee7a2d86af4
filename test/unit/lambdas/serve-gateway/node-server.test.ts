import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createGateway, type GatewayApp } from '../../../../lambdas/serve-gateway/app.ts';
import { type GatewayServer, serveGateway } from '../../../../lambdas/serve-gateway/node-server.ts';
import { nodeUpstream } from '../../../../lambdas/serve-gateway/node-upstream.ts';
import { usd } from '../../../../lib/budget/money.ts';
import type { ProviderKeys } from '../../../../lib/model-calls/provider-access.ts';
import { type GatewayScene, gatewayScene } from '../../../_helpers/gateway-scene.ts';

const CALL = { model: 'plain-1', input: 1000, output: 1000 };
const USED = '{"usage":{"input":1000,"output":500}}';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

type Provider = (request: IncomingMessage, response: ServerResponse) => void;

interface World extends GatewayScene {
  readonly server: GatewayServer;
  readonly served: GatewayApp;
  readonly connections: () => number;
  readonly url: string;
  readonly headers: Record<string, string>;
}

/** A gateway and a provider, each a server of this machine. */
async function world(provide: Provider): Promise<World> {
  let connections = 0;
  const provider: Server = createServer((incoming, response) => {
    incoming.resume();
    incoming.once('end', () => provide(incoming, response));
  });
  provider.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const keys: ProviderKeys = {
    get: async () => ({ baseUrl, authorise: async () => ({ authorization: 'Bearer key-1' }) }),
    renewed: async () => undefined,
  };
  const scene = await gatewayScene({ budget: { limit: usd(10) } });
  const upstream = nodeUpstream();
  const served = createGateway({ ...scene.ports, keys, upstream });
  const server = await serveGateway(served, 0);
  closing.push(
    () => server.stop(100),
    () => upstream.close(),
    () => new Promise((resolve) => provider.close(resolve).closeAllConnections()),
  );
  const headers = { authorization: `Bearer ${scene.token}`, 'x-wflo-epoch': '1' };
  const url = `http://127.0.0.1:${server.port}/models/openai/v1/chat/completions`;
  return { ...scene, server, served, connections: () => connections, url, headers };
}

function post({ url, headers }: World, body: string | Uint8Array = JSON.stringify(CALL)): Promise<Response> {
  return fetch(url, { method: 'POST', headers, body: body as string });
}

describe('the gateway as a server', () => {
  it('hands on each event as it comes, over connections that are kept', async () => {
    let go: () => void = () => {};
    const { connections, ...scene } = await world((_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      go = () => response.end(`data: ${USED}\n\n`);
    });
    const one = scene as World;
    for (let call = 0; call < 3; call++) {
      const response = await post(one);
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: 1\n\n');
      go();
      let rest = '';
      for (let next = await reader.read(); !next.done; next = await reader.read())
        rest += new TextDecoder().decode(next.value);
      expect(rest).toBe(`data: ${USED}\n\n`);
    }
    expect(connections()).toBe(1);
    expect(await one.spent()).toBe(usd('0.18'));
  });

  it('notices that a client has gone, and reads the answer to its end', async () => {
    let go: () => void = () => {};
    const one = await world((_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      go = () => response.end(`data: ${USED}\n\n`);
    });
    const client = request(one.url, { method: 'POST', headers: one.headers });
    client.on('error', () => {});
    client.end(JSON.stringify(CALL));
    await new Promise((resolve) => client.once('response', (answer) => answer.once('data', resolve)));
    client.destroy();
    await vi.waitFor(() => expect(one.counted).toContain('ClientGone'));
    expect(await one.held()).toBe(usd('0.09'));
    go();
    await one.served.idle();
    expect(await one.spent()).toBe(usd('0.06'));
    expect(await one.held()).toBe(0);
  });

  it('breaks off where the provider does', async () => {
    const one = await world((_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      setTimeout(() => response.destroy(), 20);
    });
    const response = await post(one);
    await expect(response.text()).rejects.toThrow();
    await one.served.idle();
    expect((await one.holds()).map(({ state }) => state)).toEqual(['unsettled']);
  });

  it('keeps the hold of a call whose answer never began, and gives back that of one that never left', async () => {
    const one = await world((incoming) => void incoming.socket.destroy());
    expect((await post(one)).status).toBe(502);
    expect((await one.holds()).map(({ state }) => state)).toEqual(['unsettled']);
    const scene = await gatewayScene();
    const keys: ProviderKeys = {
      // Nothing listens there.
      get: async () => ({ baseUrl: 'http://127.0.0.1:1', authorise: async () => ({}) }),
      renewed: async () => undefined,
    };
    const upstream = nodeUpstream();
    closing.push(() => upstream.close());
    const { app, idle } = createGateway({ ...scene.ports, keys, upstream });
    const headers = { authorization: `Bearer ${scene.token}`, 'x-wflo-epoch': '1' };
    const path = 'http://gateway/models/openai/v1/chat/completions';
    const response = await app.request(path, { method: 'POST', headers, body: JSON.stringify(CALL) });
    expect(response.status).toBe(502);
    await idle();
    expect(await scene.holds()).toEqual([]);
  });

  it('refuses 20 MB without reading them, and 20 MB that nobody announced', async () => {
    const one = await world((_incoming, response) => response.end(USED));
    const statusOf = (headers: Record<string, string>, chunks: number) =>
      new Promise<number>((resolve, reject) => {
        const call = request(one.url, { method: 'POST', headers: { ...one.headers, ...headers } }, (answer) => {
          resolve(answer.statusCode ?? 0);
          call.destroy();
        });
        call.on('error', (error: NodeJS.ErrnoException) => {
          if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
        });
        call.flushHeaders();
        for (let chunk = 0; chunk < chunks; chunk++) call.write(new Uint8Array(1024 * 1024));
      });
    expect(await statusOf({ 'content-length': String(20 * 1024 * 1024) }, 0)).toBe(413);
    expect(await statusOf({ 'transfer-encoding': 'chunked' }, 20)).toBe(413);
  });

  it('lets calls end when it is stopped', async () => {
    const one = await world((_incoming, response) => void setTimeout(() => response.end(USED), 50));
    const response = post(one);
    await vi.waitFor(() => expect(one.served.calls()).toBe(1));
    const stopped = one.server.stop(5_000);
    expect(await (await response).text()).toBe(USED);
    await stopped;
    expect(await one.spent()).toBe(usd('0.06'));
  });
});
