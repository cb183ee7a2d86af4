import { type IncomingMessage, request } from 'node:http';

const DEFAULT_SOCKET = '/var/run/docker.sock';
const REQUEST_MS = 30_000;

/** The engine refused, or did not answer; `status` 0: not at all. */
export class EngineError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Calls of the Docker Engine API that sandboxes need. */
export interface Engine {
  /** Version of the engine. */
  ping(): Promise<string>;
  create(name: string, body: object): Promise<string>;
  start(id: string): Promise<void>;
  /** Settles with the exit code when the container runs no more. */
  wait(id: string): Promise<number>;
  inspect(id: string): Promise<ContainerState>;
  /** No error where it runs no more. */
  kill(id: string, signal: string): Promise<void>;
  /** With its anonymous volumes, and while it runs. No error where it is gone. */
  remove(id: string): Promise<void>;
  /** Running or not. `label`: `name=value`. */
  list(label: string): Promise<readonly ListedContainer[]>;
  /** What the container wrote to stderr. */
  stderr(id: string): Promise<string>;
}

export interface ContainerState {
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly error: string;
}

export interface ListedContainer {
  readonly id: string;
  readonly labels: { readonly [name: string]: string };
}

/**
 * Socket of the engine. Throws an `EngineError` for a `DOCKER_HOST` that is not a socket of this machine: the sandboxes
 * reach the local AWS through a folder of it.
 */
export function engineSocket(env: NodeJS.ProcessEnv): string {
  const host = env.DOCKER_HOST ?? '';
  if (host === '') return DEFAULT_SOCKET;
  if (!host.startsWith('unix://')) throw new EngineError(0, `DOCKER_HOST is ${host}, and not a socket of this machine`);
  return host.slice('unix://'.length);
}

export function engineClient(socketPath: string): Engine {
  async function call(method: string, path: string, body?: object, timeoutMs = REQUEST_MS): Promise<Buffer> {
    const { status, bytes } = await exchange(socketPath, method, path, body, timeoutMs);
    if (status < 400) return bytes;
    throw new EngineError(status, messageOf(bytes) || `the Docker engine answered with status ${status}`);
  }
  const json = async (method: string, path: string, body?: object, timeoutMs?: number) =>
    JSON.parse((await call(method, path, body, timeoutMs)).toString());

  return {
    ping: async () => (await json('GET', '/version')).Version,
    create: async (name, body) => (await json('POST', `/containers/create?name=${name}`, body)).Id,
    start: async (id) => void (await call('POST', `/containers/${id}/start`)),
    // Answered at the end of the container, hours later.
    wait: async (id) => (await json('POST', `/containers/${id}/wait`, undefined, 0)).StatusCode,
    async inspect(id) {
      const { State } = await json('GET', `/containers/${id}/json`);
      return { exitCode: State.ExitCode, oomKilled: State.OOMKilled === true, error: State.Error ?? '' };
    },
    kill: (id, signal) => unless([404, 409], call('POST', `/containers/${id}/kill?signal=${signal}`)),
    // 409: somebody else is removing it.
    remove: (id) => unless([404, 409], call('DELETE', `/containers/${id}?v=true&force=true`)),
    async list(label) {
      const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
      const found: { Id: string; Labels: Record<string, string> }[] = await json(
        'GET',
        `/containers/json?all=true&filters=${filters}`,
      );
      return found.map(({ Id, Labels }) => ({ id: Id, labels: Labels }));
    },
    stderr: async (id) => textOfStream(await call('GET', `/containers/${id}/logs?stderr=true&tail=100`)),
  };
}

function exchange(
  socketPath: string,
  method: string,
  path: string,
  body: object | undefined,
  timeoutMs: number,
): Promise<{ status: number; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(new EngineError(0, `the Docker engine does not answer: ${error.message}`));
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = { host: 'docker', 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    const sent = request({ socketPath, method, path, headers, agent: false }, (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, bytes: Buffer.concat(chunks) }));
      response.once('error', fail);
    });
    if (timeoutMs > 0)
      sent.setTimeout(timeoutMs, () => sent.destroy(new Error(`nothing within ${timeoutMs / 1000} s`)));
    sent.once('error', fail);
    sent.end(text);
  });
}

async function unless(statuses: readonly number[], done: Promise<unknown>): Promise<void> {
  try {
    await done;
  } catch (error) {
    if (!(error instanceof EngineError) || !statuses.includes(error.status)) throw error;
  }
}

function messageOf(bytes: Buffer): string | undefined {
  try {
    return JSON.parse(bytes.toString()).message;
  } catch {
    return undefined;
  }
}

/** Frames of 8 bytes (stream, then length) and text. */
export function textOfStream(bytes: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4);
    parts.push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(parts).toString();
}
