import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { WfloError } from '../../lib/errors.ts';
import type { SandboxPayload } from '../../lib/execution/payload.ts';
import { sha256 } from '../../lib/json.ts';
import type { UrlsAnswer } from '../../lib/sandbox/protocol.ts';
import { outcomeKey } from '../../lib/sandbox/upload-key.ts';
import { buildRunner } from '../../sandbox-images/runner/build.ts';
import { type RunOptions, runSandbox } from '../../sandbox-images/runner/src/run.ts';
import { processesWith } from '../../sandbox-images/runner/src/stray-processes.ts';
import { TIMINGS, type Timings } from '../../sandbox-images/runner/src/timings.ts';
import { FakeBlobStore } from './fakes/fake-blob-store.ts';
import { CODE, EXECUTION_ID, LEASE_ID, type Scene, STEP, sandboxScene, TASK } from './sandbox-scene.ts';

const run = promisify(execFile);

/** Waiting times that keep tests short. */
export const FAST: Timings = {
  ...TIMINGS,
  killGraceMs: 150,
  drainMs: 300,
  claimMs: 2_000,
  heartbeatRetryMs: 500,
  fetchMs: 2_000,
  deliveryMs: 3_000,
  lastLogsMs: 500,
  backoffMs: [10, 40],
};

const OUTCOME_KEY = outcomeKey({ executionId: EXECUTION_ID, path: STEP, attempt: 1 }, LEASE_ID);

/** Objects are served by the same server as the API. */
class ServedBlobStore extends FakeBlobStore {
  base = '';
  readonly objects = new Map<string, Buffer>();

  override async downloadUrl(key: string): Promise<string> {
    return `${this.base}/objects/${key}`;
  }

  override async uploadUrl(key: string, bytes: number, hash: string): Promise<UrlsAnswer> {
    return { ...(await super.uploadUrl(key, bytes, hash)), url: `${this.base}/objects/${key}` };
  }

  override async outcomeUrl(key: string): Promise<string> {
    return `${this.base}/objects/${key}`;
  }

  override async checkUpload(key: string, bytes: number, hash: string): Promise<void> {
    const found = this.objects.get(key);
    if (found?.length !== bytes || sha256(found) !== hash) {
      throw new WfloError('invalid_request', `the upload ${key} is missing or is not what was announced`);
    }
  }

  override async put(...args: Parameters<FakeBlobStore['put']>): ReturnType<FakeBlobStore['put']> {
    const handle = await super.put(...args);
    this.objects.set(handle.key, Buffer.from(JSON.stringify(args[2])));
    return handle;
  }
}

export interface World {
  readonly scene: Scene;
  readonly root: string;
  readonly objects: Map<string, Buffer>;
  /** Verbs and objects that were asked for, in order, without `outcome.json`, which goes beside `complete`. */
  readonly calls: string[];
  /** Looks at a request first; true: it has answered (or broken the connection). */
  intercept: ((call: string, request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  variables(): Record<string, string>;
  /** Runs the runner in this process. */
  run(options?: RunOptions): Promise<number>;
  /** Runs the bundle in a process of its own. */
  runBundle(extra?: Record<string, string>): Promise<{ code: number | null; stderr: string }>;
  /** Processes of the agent that still live. */
  survivors(): Promise<number[]>;
  outputOf(): Promise<unknown>;
  /** The `outcome.json` that the runner left. */
  outcome(): string | undefined;
  close(): Promise<void>;
}

/**
 * A sandbox API on a socket, over fakes, with a prepared step, its metadata endpoint and its objects. `modelsUrl`: of a
 * model gateway; absent: the deployment has none.
 */
export async function runnerWorld(
  payload: Partial<SandboxPayload> = {},
  codeArchive?: Buffer,
  modelsUrl?: string,
): Promise<World> {
  const blobs = new ServedBlobStore();
  const codeSha256 = codeArchive === undefined ? '' : sha256(codeArchive);
  if (codeArchive !== undefined) blobs.objects.set(`code/${codeSha256}.tar.gz`, codeArchive);
  const scene = await sandboxScene(
    { codeSha256, ...payload },
    { blobs, ...(modelsUrl === undefined ? {} : { modelsUrl }) },
  );
  const root = await mkdtemp(join(tmpdir(), 'wflo-runner-'));
  const calls: string[] = [];
  const server = createServer((request, response) => void serve(request, response));
  const world: World = {
    scene,
    root,
    objects: blobs.objects,
    calls,
    intercept: undefined,
    variables: () => ({
      WFLO_API: blobs.base,
      WFLO_EXECUTION: EXECUTION_ID,
      WFLO_STEP: STEP,
      WFLO_ATTEMPT: '1',
      WFLO_LEASE: LEASE_ID,
      WFLO_CODE: CODE,
      ECS_CONTAINER_METADATA_URI_V4: `${blobs.base}/v4/abc`,
      WFLO_ROOT: root,
      PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`,
    }),
    run: (options = {}) => runSandbox(world.variables(), { timings: FAST, report: () => undefined, ...options }),
    runBundle: async (extra = {}) => {
      const child = spawn(process.execPath, [await runnerBundle()], {
        env: { ...world.variables(), ...extra },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let stderr = '';
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
      return { code, stderr };
    },
    survivors: () => processesWith(`WFLO_OUTPUT=${root}/`),
    outputOf: async () => {
      const { output } = await scene.attempt();
      return output === undefined ? undefined : blobs.get(EXECUTION_ID, output);
    },
    outcome: () => blobs.uploads.get(OUTCOME_KEY),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(root, { recursive: true, force: true });
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '';
    const call = url
      .replace(/^\/v1\//, '')
      .replace(/^\/objects\/.*/, (path) =>
        path === `/objects/${OUTCOME_KEY}` ? 'outcome' : `${request.method} object`,
      );
    if (!url.startsWith('/v4/') && call !== 'outcome') calls.push(call);
    if (world.intercept?.(call, request, response)) return;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (url === '/v4/abc/task') return answer(response, 200, JSON.stringify({ TaskARN: TASK, Cluster: 'wflo-dev' }));
    if (url.startsWith('/objects/')) return object(request, url.slice('/objects/'.length), body, response);
    const reply = await scene.api.request(url, {
      method: request.method ?? 'POST',
      headers: Object.entries(request.headers).flatMap(([name, value]) =>
        typeof value === 'string' ? [[name, value] as [string, string]] : [],
      ),
      body: new Uint8Array(body),
    });
    answer(response, reply.status, Buffer.from(await reply.arrayBuffer()));
  }

  function object(request: IncomingMessage, key: string, body: Buffer, response: ServerResponse): void {
    if (request.method === 'GET') {
      const found = blobs.objects.get(key);
      answer(response, found === undefined ? 404 : 200, found ?? '');
      return;
    }
    if (key === OUTCOME_KEY) {
      blobs.uploads.set(key, body.toString());
      answer(response, 200, '');
      return;
    }
    const signed = request.headers['x-amz-checksum-sha256'];
    const hash = Buffer.from(sha256(body), 'hex').toString('base64');
    if (signed === hash) {
      blobs.uploads.set(key, body.toString());
      blobs.objects.set(key, body);
    }
    answer(response, signed === hash ? 200 : 400, '');
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  blobs.base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return world;
}

export function answer(response: ServerResponse, status: number, body: string | Buffer): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body);
}

let bundle: Promise<string> | undefined;

/** The bundle, built once per test file. */
export function runnerBundle(): Promise<string> {
  bundle ??= (async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'wflo-bundle-')), 'runner.mjs');
    await buildRunner(file);
    return file;
  })();
  return bundle;
}

/** Gzip tar of a folder, made with the system's tar. */
export async function archiveOf(folder: string): Promise<Buffer> {
  const file = `${folder}.tar.gz`;
  await run('tar', ['-czf', file, '-C', folder, '.']);
  return readFile(file);
}

/** Waits for a condition, up to five seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('the condition did not come true within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
