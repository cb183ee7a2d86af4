import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rm } from 'node:fs/promises';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import type { HostLog } from './host-log.ts';
import { metadataOf } from './metadata-server.ts';
import { admits, type RelayPolicy } from './relay-policy.ts';
import type { SandboxTask } from './sandbox-driver.ts';

export interface GateOptions {
  /** Made, with the sockets in it; below one that no other user enters. */
  readonly folder: string;
  readonly task: SandboxTask;
  /** Origin of the local AWS. */
  readonly upstream: URL;
  readonly policy: RelayPolicy;
  /** Certificate (PEM) and key of the local AWS; needed where `upstream` is HTTPS. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  readonly log: HostLog;
}

/** The only way out of one sandbox: two sockets, which its relay pipes to. */
export interface TaskGate {
  /** Path and unguessable name of the task metadata, below the address of the relay. */
  readonly metadataPath: string;
  /** Settles when the relay listens. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/** Names of the sockets in the folder. */
export const API_SOCKET = 'api.sock';
export const METADATA_SOCKET = 'metadata.sock';
export const READY_PATH = '/ready';

/** Between two servers only. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'upgrade', 'te', 'trailer', 'proxy-connection', 'proxy-authorization'];

export async function openTaskGate(options: GateOptions): Promise<TaskGate> {
  const { folder, task, upstream, tls } = options;
  if (upstream.protocol === 'https:' && tls === undefined) throw new Error('the gate needs the certificate of HTTPS');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const metadataPath = `/v4/${randomBytes(24).toString('base64url')}`;
  let tellReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    tellReady = resolve;
  });

  const toUpstream = (request: IncomingMessage, response: ServerResponse) => pass(options, request, response);
  const api = upstream.protocol === 'https:' ? createTlsServer({ ...tls }, toUpstream) : createServer(toUpstream);
  const metadata = createServer((request, response) => {
    const { method, url = '' } = request;
    request.resume();
    if (url === READY_PATH) {
      tellReady();
      response.writeHead(204).end();
    } else if (method === 'GET' && (url === metadataPath || url === `${metadataPath}/task`)) {
      const body = metadataOf(task, url.endsWith('/task'));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    } else {
      response.writeHead(404).end();
    }
  });
  // An upload of a workspace takes as long as it takes.
  api.requestTimeout = 0;
  await listen(api, join(folder, API_SOCKET));
  await listen(metadata, join(folder, METADATA_SOCKET));
  return {
    metadataPath,
    ready,
    async close() {
      for (const server of [api, metadata]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function pass(options: GateOptions, request: IncomingMessage, response: ServerResponse): void {
  const { upstream, policy, task, tls, log } = options;
  const { method = '', url = '' } = request;
  if (!admits(policy, method, url)) {
    // The query may hold a signature.
    log('request of a sandbox refused', { taskId: task.taskId, method, path: (url.split('?')[0] ?? '').slice(0, 200) });
    request.resume();
    response.writeHead(403, { 'content-type': 'application/json', connection: 'close' });
    response.end('{"error":{"code":"forbidden","message":"a sandbox reaches nothing but its API and its objects"}}');
    return;
  }
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
  const target = { host: '127.0.0.1', port: upstream.port, method, path: url, headers, agent: false as const };
  const forward =
    upstream.protocol === 'https:'
      ? httpsRequest({ ...target, servername: 'localhost', ca: tls?.cert })
      : httpRequest(target);
  forward.once('response', (answer) => {
    const kept = Object.entries(answer.headers).filter(([name]) => !HOP_BY_HOP.includes(name));
    response.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept));
    answer.pipe(response);
    // A body that breaks off breaks off here too: the runner then knows that it has not got all of it.
    answer.once('error', () => response.destroy());
  });
  // The runner repeats what it had no answer to.
  forward.once('error', () => response.destroy());
  response.once('close', () => forward.destroy());
  request.pipe(forward);
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  // The relay is nobody. Other users of this machine do not get into the folder above.
  await chmod(path, 0o666);
}
