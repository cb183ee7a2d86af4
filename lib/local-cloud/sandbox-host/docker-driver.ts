import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  CLOUD_LABEL,
  type RelaySettings,
  RUNNER_IMAGE_RELAY,
  relayContainer,
  sandboxContainer,
  TASK_LABEL,
} from './container-spec.ts';
import { describeDockerIsolation } from './describe-isolation.ts';
import { type Engine, EngineError, engineClient, engineSocket } from './engine-client.ts';
import type { HostLog } from './host-log.ts';
import { apiOf, modelsOf, type RelayPolicy, relayPolicy } from './relay-policy.ts';
import type { RunningSandbox, SandboxDriver, SandboxEnd, SandboxTask } from './sandbox-driver.ts';
import { limitedScratch, removeScratch } from './scratch.ts';
import { openTaskGate, type TaskGate } from './task-gate.ts';

export interface DockerDriverOptions {
  /** Containers of an earlier host are found by it. */
  readonly workFolder: string;
  /** `DOCKER_HOST`, where the engine is not at its usual socket. */
  readonly env: NodeJS.ProcessEnv;
  readonly log: HostLog;
  /** Certificate of the local AWS, with `server.key` beside it. Absent: the sandbox API is plain HTTP. */
  readonly caFile?: string;
  readonly relay?: RelaySettings;
  /** Base URL of the model gateway, on this machine, as claims tell it. Absent: sandboxes reach none. */
  readonly modelsUrl?: string;
  /** Objects that a sandbox may read and write. Default: presigned ones of the artefact bucket. */
  readonly isObject?: RelayPolicy['isObject'];
  /** Size in bytes of all scratch volumes of a sandbox together, where this host may mount file systems. */
  readonly scratchBytes?: number;
  /** At most this from SIGTERM to SIGKILL: a host that is told to stop has no minute, as a task on Fargate has. */
  readonly graceMs?: number;
}

/** Fargate has 20 GiB; a developer's disk should not have to. */
const SCRATCH_BYTES = 2 * 1024 ** 3;
const GRACE_MS = 10_000;
const STOP_SECONDS = 30;
const RELAY_READY_MS = 20_000;
const METADATA_PORTS = [51_679, 51_680, 51_681] as const;
const KILLED = 137;
/** The log of the host is no place for more. */
const TOLD_CHARACTERS = 2_000;

interface Started {
  readonly ids: string[];
  gate?: TaskGate;
}

/**
 * Runs each task in a container, as its task definition says. The container has a network of its own with loopback
 * only; from there one port leads to this process, which lets through what the sandbox needs. Throws an `EngineError`
 * where no engine answers.
 */
export async function dockerDriver(options: DockerDriverOptions): Promise<SandboxDriver> {
  const { log, graceMs = GRACE_MS, relay = RUNNER_IMAGE_RELAY } = options;
  const models = options.modelsUrl === undefined ? undefined : modelsOf(options.modelsUrl);
  const engine = engineClient(engineSocket(options.env));
  await engine.ping();
  const cloud = createHash('sha256').update(options.workFolder).digest('hex').slice(0, 12);
  const gates = await gatesFolder(cloud);
  const scratch = await limitedScratch(options.scratchBytes ?? SCRATCH_BYTES, gates);
  const tls =
    options.caFile === undefined
      ? undefined
      : {
          cert: await readFile(options.caFile),
          key: await readFile(join(dirname(options.caFile), 'server.key')),
        };
  const started = new Map<string, Started>();
  const folderOf = (taskId: string): string => join(gates, taskId);

  async function startAll(task: SandboxTask, entry: Started): Promise<RunningSandbox> {
    const api = apiOf(task);
    const apiPort = Number(api.port);
    // The relay sees the sockets and nothing else of the task.
    const gateFolder = join(folderOf(task.taskId), 'gate');
    const gate = await openTaskGate({
      folder: gateFolder,
      task,
      upstream: api,
      policy: relayPolicy(api, options.isObject),
      ...(models === undefined ? {} : { models }),
      ...(tls === undefined ? {} : { tls }),
      log,
    });
    entry.gate = gate;
    const modelsPort = models === undefined || models.origin === api.origin ? undefined : Number(models.port);
    if (modelsPort === apiPort)
      throw new Error('the model gateway has the port of the sandbox API, and another address');
    const taken = [apiPort, modelsPort];
    const metadataPort = METADATA_PORTS.find((port) => !taken.includes(port)) ?? METADATA_PORTS[0];
    const place = {
      cloud,
      taskId: task.taskId,
      gateFolder,
      apiPort,
      metadataPort,
      ...(modelsPort === undefined ? {} : { modelsPort }),
    };
    const name = `wflo-${cloud}-${task.taskId}`;
    const relayId = await create(engine, `${name}-relay`, relay.image, relayContainer(relay, place));
    entry.ids.push(relayId);
    const body = sandboxContainer(task, {
      cloud,
      relay: relayId,
      ...(options.caFile === undefined ? {} : { caFile: options.caFile }),
      scratch: (await scratch?.make(folderOf(task.taskId), mountPathsOf(task))) ?? {},
      metadataUri: `http://127.0.0.1:${metadataPort}${gate.metadataPath}`,
    });
    const id = await create(engine, name, task.image, body);
    entry.ids.unshift(id);
    await engine.start(relayId);
    await within(RELAY_READY_MS, gate.ready);
    await engine.start(id);
    return watch(id, task);
  }

  function watch(id: string, task: SandboxTask): RunningSandbox {
    let force: NodeJS.Timeout | undefined;
    const stopMs = Math.min((task.container?.stopSeconds ?? STOP_SECONDS) * 1_000, graceMs);
    const kill = (signal: string) =>
      engine.kill(id, signal).catch((error: Error) => log('not killed', { taskId: task.taskId, text: error.message }));
    const ended = engine.wait(id).then(async () => {
      clearTimeout(force);
      const said = (await engine.stderr(id).catch(() => '')).slice(-TOLD_CHARACTERS).trimEnd();
      if (said !== '') log('runner', { taskId: task.taskId, text: said });
      return endOf(await engine.inspect(id));
    });
    return {
      ended,
      stop() {
        if (force !== undefined) return;
        force = setTimeout(() => void kill('SIGKILL'), stopMs);
        void kill('SIGTERM');
      },
    };
  }

  async function discard(taskId: string): Promise<void> {
    const listed = await engine.list(`${TASK_LABEL}=${taskId}`);
    const ids = listed.filter(({ labels }) => labels[CLOUD_LABEL] === cloud).map(({ id }) => id);
    await Promise.all(ids.map((id) => engine.remove(id)));
    await removeScratch(folderOf(taskId));
    await started.get(taskId)?.gate?.close();
    started.delete(taskId);
    await rm(folderOf(taskId), { recursive: true, force: true });
  }

  return {
    isolation: describeDockerIsolation(scratch !== undefined),

    async start(task) {
      const entry: Started = { ids: [] };
      started.set(task.taskId, entry);
      try {
        return await startAll(task, entry);
      } catch (error) {
        await discard(task.taskId).catch((failure: Error) =>
          log('not discarded', { taskId: task.taskId, text: failure.message }),
        );
        throw error;
      }
    },

    async leftovers() {
      const listed = await engine.list(`${CLOUD_LABEL}=${cloud}`);
      const folders = await readdir(gates);
      return [...new Set([...listed.flatMap(({ labels }) => labels[TASK_LABEL] ?? []), ...folders])];
    },

    discard,

    async close() {
      for (const taskId of [...started.keys()]) await discard(taskId);
      await rm(gates, { recursive: true, force: true });
    },
  };
}

function mountPathsOf(task: SandboxTask): string[] {
  return (task.container?.mountPoints ?? []).map(({ path }) => path);
}

/** Throws in the words of ECS where the image is missing. */
async function create(engine: Engine, name: string, image: string, body: object): Promise<string> {
  try {
    return await engine.create(name, body);
  } catch (error) {
    // Nothing is pulled: images of sandboxes are built here.
    if (error instanceof EngineError && error.status === 404)
      throw new Error(`CannotPullContainerError: ${image}: ${error.message}`);
    throw error;
  }
}

export function endOf(state: { exitCode: number; oomKilled: boolean; error: string }): SandboxEnd {
  const { exitCode: code, oomKilled, error } = state;
  // An agent that is killed for its memory leaves a runner that reports it.
  if (oomKilled && code === KILLED) return { code, detail: 'OutOfMemoryError: container killed due to memory usage' };
  return { code, detail: error === '' ? `the runner ended with code ${code}` : error };
}

/**
 * Folder of the sockets: short, since the path of a socket has 107 characters at most. Throws an `Error` where another
 * user has made it.
 */
async function gatesFolder(cloud: string): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const folder = join(process.platform === 'linux' ? '/tmp' : tmpdir(), `wflo-${uid}-${cloud}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0)
    throw new Error(`${folder} belongs to somebody else: delete it`);
  return folder;
}

async function within(milliseconds: number, done: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`the relay of the sandbox did not listen within ${milliseconds / 1000} s`)),
      milliseconds,
    );
  });
  await Promise.race([done, late]).finally(() => clearTimeout(timer));
}
