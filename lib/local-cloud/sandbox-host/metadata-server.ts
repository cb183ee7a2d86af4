import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SANDBOX_CONTAINER } from '../../sandbox/protocol.ts';
import type { SandboxTask } from './sandbox-driver.ts';

/** The task metadata endpoint, version 4, of all sandboxes of this host. */
export interface MetadataServer {
  /** The value of `ECS_CONTAINER_METADATA_URI_V4`: unguessable, so that one sandbox does not read of another. */
  add(task: SandboxTask): string;
  remove(taskId: string): void;
  close(): Promise<void>;
}

/** Listens on loopback, on a free port. */
export async function startMetadataServer(): Promise<MetadataServer> {
  const tasks = new Map<string, { readonly id: string; readonly task: SandboxTask }>();
  const server = createServer((request, response) => {
    const [, id = '', rest = ''] = /^\/v4\/([A-Za-z0-9_-]+)(\/task)?\/?$/.exec(request.url ?? '') ?? [];
    const found = tasks.get(id);
    if (found === undefined || request.method !== 'GET') {
      response.writeHead(404).end();
      return;
    }
    const body = metadataOf(found.task, rest === '/task');
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    add(task) {
      const id = randomBytes(24).toString('base64url');
      tasks.set(id, { id: task.taskId, task });
      return `http://127.0.0.1:${port}/v4/${id}`;
    },
    remove(taskId) {
      for (const [id, entry] of tasks) if (entry.id === taskId) tasks.delete(id);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Of the whole task, or of its container. */
export function metadataOf(task: SandboxTask, whole: boolean) {
  return whole ? taskMetadata(task) : containerMetadata(task);
}

function taskMetadata(task: SandboxTask) {
  const [family = '', revision = ''] = (task.taskDefinitionArn.split('/').at(-1) ?? '').split(':');
  return {
    Cluster: task.clusterArn,
    TaskARN: task.taskArn,
    Family: family,
    Revision: revision,
    DesiredStatus: 'RUNNING',
    KnownStatus: 'RUNNING',
    LaunchType: 'FARGATE',
    Containers: [containerMetadata(task)],
  };
}

function containerMetadata(task: SandboxTask) {
  return {
    Name: SANDBOX_CONTAINER,
    Image: task.image,
    DesiredStatus: 'RUNNING',
    KnownStatus: 'RUNNING',
    Type: 'NORMAL',
    Labels: {
      'com.amazonaws.ecs.cluster': task.clusterArn,
      'com.amazonaws.ecs.container-name': SANDBOX_CONTAINER,
      'com.amazonaws.ecs.task-arn': task.taskArn,
    },
  };
}
