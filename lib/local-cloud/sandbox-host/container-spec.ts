import type { SandboxTask } from './sandbox-driver.ts';

/** Labels by which containers are found again. */
export const CLOUD_LABEL = 'dev.wflo.cloud';
export const TASK_LABEL = 'dev.wflo.task';

/** Folder of the sockets in a relay. */
const GATE_FOLDER = '/gate';
/** The CA of the local AWS in a sandbox. */
const CA_FILE = '/run/wflo-local-ca.pem';
const MIB = 1024 * 1024;
/** A runner says little; what an agent prints does not come this way. */
const LOGS = { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } };

export interface SandboxPlace {
  /** Of the local AWS: its containers are found by it. */
  readonly cloud: string;
  /** Id of the container whose network it joins. */
  readonly relay: string;
  /** Of this machine. Absent: the sandbox API is plain HTTP. */
  readonly caFile?: string;
  readonly metadataUri: string;
  /** Folders of limited size by path in the container. A path without one gets a volume of Docker. */
  readonly scratch: Readonly<Record<string, string>>;
}

/** Body of `POST /containers/create` for a task, as Fargate starts it. */
export function sandboxContainer(task: SandboxTask, place: SandboxPlace) {
  const { container = {}, cpu, memoryMiB } = task;
  const ulimits = container.ulimits ?? [];
  const processes = ulimits.find(({ name }) => name === 'nproc');
  const environment = {
    ...task.environment,
    // Fargate adds it too.
    ECS_CONTAINER_METADATA_URI_V4: place.metadataUri,
    // Only here: on AWS the certificates are public ones.
    ...(place.caFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: CA_FILE }),
  };
  return {
    Image: task.image,
    Labels: labelsOf(place.cloud, task.taskId),
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    ...(container.entryPoint === undefined ? {} : { Entrypoint: container.entryPoint }),
    ...(container.command === undefined ? {} : { Cmd: container.command }),
    ...(container.workingDirectory === undefined ? {} : { WorkingDir: container.workingDirectory }),
    ...(container.user === undefined ? {} : { User: container.user }),
    HostConfig: {
      ...(memoryMiB === undefined ? {} : memoryOf(memoryMiB)),
      ...(cpu === undefined ? {} : { NanoCpus: Math.round((cpu / 1024) * 1e9) }),
      CapDrop: container.droppedCapabilities ?? [],
      Privileged: false,
      ReadonlyRootfs: container.readonlyRoot === true,
      Init: container.init === true,
      Ulimits: ulimits
        .filter(({ name }) => name !== 'nproc')
        .map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
      // The kernel counts `nproc` per user over all containers of this machine; on Fargate the machine is the task's own.
      ...(processes === undefined ? {} : { PidsLimit: processes.hard }),
      NetworkMode: `container:${place.relay}`,
      LogConfig: LOGS,
      Mounts: [
        // An anonymous volume takes owner, mode and content of the image's folder, as a scratch volume of Fargate does.
        ...(container.mountPoints ?? []).map(({ path, readOnly }) => {
          const folder = place.scratch[path];
          const source = folder === undefined ? { Type: 'volume' } : { Type: 'bind', Source: folder };
          return { ...source, Target: path, ReadOnly: readOnly };
        }),
        ...(place.caFile === undefined
          ? []
          : [{ Type: 'bind', Source: place.caFile, Target: CA_FILE, ReadOnly: true }]),
      ],
    },
  };
}

export interface RelaySettings {
  /** Has a Node that needs nothing of the image. */
  readonly image: string;
  /** Starts that Node. */
  readonly node: readonly string[];
}

export const RUNNER_IMAGE_RELAY: RelaySettings = {
  image: 'wflo/runner:local',
  node: ['/opt/wflo/lib/ld.so', '--library-path', '/opt/wflo/lib', '/opt/wflo/bin/node'],
};

export interface RelayPlace {
  readonly cloud: string;
  readonly taskId: string;
  /** Of this machine, with the sockets of the gate. */
  readonly gateFolder: string;
  readonly apiPort: number;
  readonly metadataPort: number;
  /** Absent: the model gateway is behind the port of the API, or there is none. */
  readonly modelsPort?: number;
}

/**
 * Body for the container that owns the network of a sandbox: loopback, and those of its ports that something of this
 * machine has too, so that one URL leads to it from a process and from a container.
 */
export function relayContainer(settings: RelaySettings, place: RelayPlace) {
  return {
    Image: settings.image,
    Labels: labelsOf(place.cloud, place.taskId),
    Entrypoint: settings.node,
    Cmd: ['-e', RELAY, '--', ...[place.apiPort, place.metadataPort, place.modelsPort ?? []].flat().map(String)],
    User: '65534:65534',
    Env: [],
    WorkingDir: '/',
    HostConfig: {
      ...memoryOf(96),
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Privileged: false,
      ReadonlyRootfs: true,
      Init: false,
      PidsLimit: 64,
      NetworkMode: 'none',
      LogConfig: LOGS,
      Mounts: [{ Type: 'bind', Source: place.gateFolder, Target: GATE_FOLDER, ReadOnly: true }],
    },
  };
}

/** Of Node, in the relay: it decides nothing, and pipes bytes. */
const RELAY = `
const net = require('node:net');
const http = require('node:http');
process.on('SIGTERM', () => process.exit(0));
const [api, metadata, models] = process.argv.slice(1).map(Number);
function listen(port, socket, host) {
  return new Promise((resolve, reject) => {
    const server = net.createServer({ allowHalfOpen: true }, (from) => {
      const to = net.connect({ path: '${GATE_FOLDER}/' + socket, allowHalfOpen: true });
      for (const [one, other] of [[from, to], [to, from]]) {
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroySoon());
        one.pipe(other);
      }
    });
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}
(async () => {
  await listen(api, 'api.sock', '127.0.0.1');
  await listen(metadata, 'metadata.sock', '127.0.0.1');
  await listen(api, 'api.sock', '::1').catch(() => undefined);
  if (models !== undefined) {
    await listen(models, 'models.sock', '127.0.0.1');
    await listen(models, 'models.sock', '::1').catch(() => undefined);
  }
  http.get({ socketPath: '${GATE_FOLDER}/metadata.sock', path: '/ready' }, (answer) => answer.resume());
})();
`;

/** No swap: as on Fargate, what does not fit is killed. */
function memoryOf(mebibytes: number) {
  return { Memory: mebibytes * MIB, MemorySwap: mebibytes * MIB };
}

function labelsOf(cloud: string, taskId: string) {
  return { [CLOUD_LABEL]: cloud, [TASK_LABEL]: taskId };
}
