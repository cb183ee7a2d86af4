import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signatureProblem } from './signature-check.ts';

export const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

export interface WireAnswer {
  readonly status: number;
  readonly body: string;
}

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

export interface ApiServer {
  /** Base URL with a path, as a deployed stage has one. */
  readonly url: string;
  readonly seen: Seen[];
  close(): Promise<void>;
}

/**
 * API Gateway in front of a handler: refuses what is not rightly signed in Gateway's own words, takes the base path
 * away and passes the rest on. `undefined` breaks the connection.
 */
export async function apiServer(
  handle: (request: Seen, count: number) => WireAnswer | undefined | Promise<WireAnswer | undefined>,
): Promise<ApiServer> {
  const seen: Seen[] = [];
  const server: Server = createServer((request, response) => {
    void bodyOf(request).then(async (body) => {
      if (signatureProblem(request, body, CREDENTIALS.secretAccessKey) !== undefined) {
        response.writeHead(403).end('{"message":"The request signature we calculated does not match"}');
        return;
      }
      const one: Seen = {
        method: request.method ?? '',
        url: (request.url ?? '').replace(/^\/prod/, ''),
        body: body.toString('utf8'),
      };
      seen.push(one);
      const answer = await handle(one, seen.length);
      if (answer === undefined) request.socket.destroy();
      else response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/prod`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
