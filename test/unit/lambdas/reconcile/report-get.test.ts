import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { reportGet } from '../../../../lambdas/reconcile/report-get.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serving(listener: RequestListener): Promise<string> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const never = new AbortController().signal;

describe('a report is asked for', () => {
  it('with its headers, and any answer is one', async () => {
    const url = await serving((request, response) => {
      response.writeHead(403).end(JSON.stringify([request.method, request.url, request.headers['x-api-key']]));
    });
    const answer = await reportGet(`${url}/v1/report?a=b`, { 'x-api-key': 'sk' }, never);
    expect(answer).toEqual({ status: 403, body: '["GET","/v1/report?a=b","sk"]' });
  });

  it('at one address: the key follows no redirect', async () => {
    let asked = 0;
    const url = await serving((_request, response) => {
      asked += 1;
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    expect(await reportGet(url, { 'x-api-key': 'sk' }, never)).toEqual({ status: 307, body: '' });
    expect(asked).toBe(1);
  });

  it('for as long as it may take', async () => {
    const url = await serving(() => {});
    await expect(reportGet(url, {}, AbortSignal.timeout(20))).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it('and is not read for ever', async () => {
    const url = await serving((_request, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    await expect(reportGet(url, {}, never)).rejects.toThrow('too long');
  });
});
