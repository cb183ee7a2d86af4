import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import {
  type ContainerDefinition,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  paginateListTasks,
  StopTaskCommand,
  type Task,
  type TaskDefinition,
} from '@aws-sdk/client-ecs';
import { SANDBOX_CONTAINER } from '../../sandbox/protocol.ts';
import { type LocalEndpoint, localClientSettings } from '../local-clients.ts';
import type { LocalCredentials } from '../local-state.ts';
import type { ContainerSettings, SandboxTask } from './sandbox-driver.ts';

/** Where the host finds its work: the ECS of the local AWS, which itself starts no containers. */
export interface TaskSource {
  /** ARNs of the tasks that should run. */
  listRunning(): Promise<readonly string[]>;
  /** Only those of `taskArns` that are running. */
  describe(taskArns: readonly string[]): Promise<readonly SandboxTask[]>;
  /** The only way in which a task of the local AWS ends. No error when it has ended. */
  stop(taskArn: string, reason: string): Promise<void>;
}

/** DescribeTasks takes this many. */
const BATCH = 100;
const REQUEST_MS = 5_000;
const MAX_REASON = 255;

export function ecsTaskSource(local: LocalEndpoint, credentials: LocalCredentials, cluster: string): TaskSource {
  // Asked several times a second, so connections are kept.
  const httpsAgent = new Agent({ ca: readFileSync(local.caFile), keepAlive: true, maxSockets: 8 });
  const client = new ECSClient({
    ...localClientSettings(local, credentials),
    requestHandler: { httpsAgent, requestTimeout: REQUEST_MS, connectionTimeout: REQUEST_MS },
  });
  const definitions = new Map<string, Promise<Definition>>();

  function revisionOf(arn: string): Promise<Definition> {
    // A revision never changes. A failure is not kept.
    const known = definitions.get(arn) ?? loadDefinition(client, arn);
    definitions.set(arn, known);
    known.catch(() => definitions.delete(arn));
    return known;
  }

  return {
    async listRunning() {
      const arns: string[] = [];
      for await (const page of paginateListTasks({ client }, { cluster, desiredStatus: 'RUNNING' })) {
        arns.push(...(page.taskArns ?? []));
      }
      return arns;
    },

    async describe(taskArns) {
      const found: SandboxTask[] = [];
      for (let at = 0; at < taskArns.length; at += BATCH) {
        const tasks = taskArns.slice(at, at + BATCH);
        const answer = await client.send(new DescribeTasksCommand({ cluster, tasks: [...tasks] }));
        for (const task of answer.tasks ?? []) {
          if (task.lastStatus !== 'RUNNING') continue;
          found.push(sandboxTaskOf(task, await revisionOf(task.taskDefinitionArn ?? '')));
        }
      }
      return found;
    },

    async stop(taskArn, reason) {
      try {
        await client.send(new StopTaskCommand({ cluster, task: taskArn, reason: reason.slice(0, MAX_REASON) }));
      } catch (error) {
        // It has ended and was forgotten.
        if (!(error instanceof Error) || error.name !== 'InvalidParameterException') throw error;
      }
    },
  };
}

export type Definition = Pick<SandboxTask, 'image' | 'environment' | 'cpu' | 'memoryMiB' | 'container'>;

async function loadDefinition(client: ECSClient, arn: string): Promise<Definition> {
  const { taskDefinition } = await client.send(new DescribeTaskDefinitionCommand({ taskDefinition: arn }));
  return definitionOf(taskDefinition ?? {});
}

export function definitionOf(definition: TaskDefinition): Definition {
  const container = definition.containerDefinitions?.find(({ name }) => name === SANDBOX_CONTAINER) ?? {};
  // Of Fargate: the size is that of the task.
  const cpu = Number(definition.cpu ?? 0);
  const memoryMiB = Number(definition.memory ?? 0);
  return {
    image: container.image ?? '',
    environment: environmentOf(container.environment),
    ...(cpu > 0 ? { cpu } : {}),
    ...(memoryMiB > 0 ? { memoryMiB } : {}),
    container: settingsOf(container),
  };
}

function settingsOf(container: ContainerDefinition): ContainerSettings {
  const { entryPoint, command, workingDirectory, user, stopTimeout, linuxParameters } = container;
  return {
    readonlyRoot: container.readonlyRootFilesystem === true,
    droppedCapabilities: linuxParameters?.capabilities?.drop ?? [],
    init: linuxParameters?.initProcessEnabled === true,
    ulimits: (container.ulimits ?? []).map(({ name = '', softLimit = 0, hardLimit = 0 }) => ({
      name,
      soft: softLimit,
      hard: hardLimit,
    })),
    mountPoints: (container.mountPoints ?? []).map(({ containerPath = '', readOnly = false }) => ({
      path: containerPath,
      readOnly,
    })),
    ...(entryPoint === undefined || entryPoint.length === 0 ? {} : { entryPoint }),
    ...(command === undefined || command.length === 0 ? {} : { command }),
    ...(workingDirectory === undefined ? {} : { workingDirectory }),
    ...(user === undefined ? {} : { user }),
    ...(stopTimeout === undefined ? {} : { stopSeconds: stopTimeout }),
  };
}

export function sandboxTaskOf(task: Task, definition: Definition): SandboxTask {
  const { taskArn = '', clusterArn = '', taskDefinitionArn = '' } = task;
  const override = task.overrides?.containerOverrides?.find(({ name }) => name === SANDBOX_CONTAINER);
  return {
    taskArn,
    taskId: taskIdOf(taskArn),
    clusterArn,
    taskDefinitionArn,
    image: definition.image,
    ...(definition.cpu === undefined ? {} : { cpu: definition.cpu }),
    ...(definition.memoryMiB === undefined ? {} : { memoryMiB: definition.memoryMiB }),
    ...(definition.container === undefined ? {} : { container: definition.container }),
    environment: { ...definition.environment, ...environmentOf(override?.environment) },
  };
}

/** Also a safe file name: ids of ECS are hexadecimal. */
export function taskIdOf(taskArn: string): string {
  return (taskArn.split('/').at(-1) ?? '').replace(/[^A-Za-z0-9-]/g, '_');
}

function environmentOf(pairs: readonly { name?: string | undefined; value?: string | undefined }[] | undefined) {
  return Object.fromEntries((pairs ?? []).map(({ name = '', value = '' }): [string, string] => [name, value]));
}
