import {
  DescribeTasksCommand,
  type ECSClient,
  paginateListTasks,
  StopTaskCommand,
  type Task,
} from '@aws-sdk/client-ecs';
import type { SandboxTasks, TaskState } from '../ports.ts';
import { RUNNER_ENV, SANDBOX_CONTAINER } from '../sandbox/protocol.ts';

/** Longest reason that StopTask takes. */
const MAX_REASON = 255;

export function ecsSandboxTasks(options: { readonly client: ECSClient; readonly cluster: string }): SandboxTasks {
  const { client, cluster } = options;

  /** A page has 100 at most, which is also what one DescribeTasks takes. */
  async function* pages(desiredStatus: 'RUNNING' | 'STOPPED'): AsyncGenerator<string[]> {
    for await (const { taskArns } of paginateListTasks({ client }, { cluster, desiredStatus })) {
      if (taskArns !== undefined && taskArns.length > 0) yield taskArns;
    }
  }

  async function describe(taskArn: string): Promise<TaskState | undefined> {
    try {
      // A task of an unknown id is a failure `MISSING` in the answer.
      const { tasks } = await client.send(new DescribeTasksCommand({ cluster, tasks: [taskArn] }));
      const [task] = tasks ?? [];
      return task === undefined ? undefined : taskState(task);
    } catch (error) {
      // An ARN of another account or region, or no ARN.
      if (error instanceof Error && error.name === 'InvalidParameterException') return undefined;
      throw error;
    }
  }

  return {
    describe,

    async findByLease(leaseId) {
      for (const desiredStatus of ['RUNNING', 'STOPPED'] as const) {
        for await (const tasks of pages(desiredStatus)) {
          const answer = await client.send(new DescribeTasksCommand({ cluster, tasks }));
          const found = (answer.tasks ?? [])
            .map(taskState)
            .find(({ environment }) => environment[RUNNER_ENV.lease] === leaseId);
          if (found !== undefined) return found;
        }
      }
      return undefined;
    },

    async stop(taskArn, reason) {
      try {
        await client.send(new StopTaskCommand({ cluster, task: taskArn, reason: reason.slice(0, MAX_REASON) }));
      } catch (error) {
        // `The referenced task was not found`: it stopped more than an hour ago.
        if (!(error instanceof Error) || error.name !== 'InvalidParameterException') throw error;
      }
    },

    async listRunning() {
      const arns: string[] = [];
      for await (const page of pages('RUNNING')) arns.push(...page);
      return arns;
    },
  };
}

function taskState(task: Task): TaskState {
  const container = task.containers?.find(({ name }) => name === SANDBOX_CONTAINER);
  const overrides = task.overrides?.containerOverrides?.find(({ name }) => name === SANDBOX_CONTAINER);
  const privateIpv4 = task.attachments
    ?.find(({ type }) => type === 'ElasticNetworkInterface')
    ?.details?.find(({ name }) => name === 'privateIPv4Address')?.value;
  return {
    taskArn: task.taskArn ?? '',
    taskDefinitionArn: task.taskDefinitionArn ?? '',
    clusterArn: task.clusterArn ?? '',
    lastStatus: task.lastStatus ?? 'UNKNOWN',
    ...(task.createdAt === undefined ? {} : { createdAt: task.createdAt.toISOString() }),
    ...(task.pullStartedAt === undefined ? {} : { pullStartedAt: task.pullStartedAt.toISOString() }),
    ...(task.stoppedAt === undefined ? {} : { stoppedAt: task.stoppedAt.toISOString() }),
    ...(task.stopCode === undefined ? {} : { stopCode: task.stopCode }),
    ...(task.stoppedReason === undefined ? {} : { stoppedReason: task.stoppedReason }),
    ...(container?.exitCode === undefined ? {} : { exitCode: container.exitCode }),
    ...(container?.reason === undefined ? {} : { containerReason: container.reason }),
    ...(privateIpv4 === undefined ? {} : { privateIpv4 }),
    environment: Object.fromEntries(
      (overrides?.environment ?? []).map(({ name = '', value = '' }): [string, string] => [name, value]),
    ),
  };
}
