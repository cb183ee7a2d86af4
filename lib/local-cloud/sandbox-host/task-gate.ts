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
import { admits, admitsModelCall, type RelayPolicy } from './relay-policy.ts';
import type { SandboxTask } from './sandbox-driver.ts';

export interface GateOptions {
  /** Made, with the sockets in it; below one that no other user enters. */
  readonly folder: string;
  readonly task: SandboxTask;
  /** Origin of the local AWS. */
  readonly upstream: URL;
  readonly policy: RelayPolicy;
  /** Base URL of the model gateway; absent where there is none. It may be another server than the local AWS. */
  readonly models?: URL;
  /** Certificate (PEM) and key of the local AWS; needed where `upstream` or `models` is HTTPS. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  readonly log: HostLog;
}

/** The only way out of one sandbox: its sockets, which its relay pipes to. */
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
/** Only where the model gateway is a server of its own. */
export const MODELS_SOCKET = 'models.sock';
export const READY_PATH = '/ready';

/** Between two servers only. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'upgrade', 'te', 'trailer', 'proxy-connection', 'proxy-authorization'];

export async function openTaskGate(options: GateOptions): Promise<TaskGate> {
  const { folder, task, upstream, policy, models, tls } = options;
  if ([upstream, models].some((url) => url?.protocol === 'https:') && tls === undefined)
    throw new Error('the gate needs the certificate of HTTPS');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const metadataPath = `/v4/${randomBytes(24).toString('base64url')}`;
  let tellReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    tellReady = resolve;
  });

  const isModelCall = (method: string, target: string): boolean =>
    models !== undefined && admitsModelCall(models.pathname.replace(/\/+$/, ''), method, target);
  const isOneServer = models?.origin === upstream.origin;
  const serverTo = (to: URL, isAdmitted: Way['isAdmitted']): Server => {
    const way = { to, isAdmitted };
    const serve = (request: IncomingMessage, response: ServerResponse) => pass(options, way, request, response);
    return to.protocol === 'https:' ? createTlsServer({ ...tls }, serve) : createServer(serve);
  };
  const api = serverTo(
    upstream,
    (method, target) => admits(policy, method, target) || (isOneServer && isModelCall(method, target)),
  );
  const gateway = models === undefined || isOneServer ? undefined : serverTo(models, isModelCall);
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
  if (gateway !== undefined) {
    gateway.requestTimeout = 0;
    await listen(gateway, join(folder, MODELS_SOCKET));
  }
  await listen(metadata, join(folder, METADATA_SOCKET));
  return {
    metadataPath,
    ready,
    async close() {
      for (const server of [api, metadata, ...(gateway === undefined ? [] : [gateway])]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Where one server leads, and what it lets through. */
interface Way {
  readonly to: URL;
  readonly isAdmitted: (method: string, target: string) => boolean;
}

function pass(
  { task, tls, log }: GateOptions,
  { to, isAdmitted }: Way,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { method = '', url = '' } = request;
  if (!isAdmitted(method, url)) {
    // The query may hold a signature.
    log('request of a sandbox refused', { taskId: task.taskId, method, path: (url.split('?')[0] ?? '').slice(0, 200) });
    request.resume();
    response.writeHead(403, { 'content-type': 'application/json', connection: 'close' });
    response.end(
      '{"error":{"code":"forbidden","message":"a sandbox reaches nothing but its API, models and its objects"}}',
    );
    return;
  }
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
  const target = { host: '127.0.0.1', port: to.port, method, path: url, headers, agent: false as const };
  const forward =
    to.protocol === 'https:'
      ? httpsRequest({ ...target, servername: 'localhost', ca: tls?.cert })
      : httpRequest(target);
  forward.once('response', (answer) => {
    const kept = Object.entries(answer.headers).filter(([name]) => !HOP_BY_HOP.includes(name));
    // At once: a model may think for a while before it says something.
    response.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept)).flushHeaders();
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
