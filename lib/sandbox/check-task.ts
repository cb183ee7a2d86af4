import type { TaskState } from '../ports.ts';
import { RUNNER_ENV } from './protocol.ts';

const ALIVE = ['PROVISIONING', 'PENDING', 'ACTIVATING', 'RUNNING'];

/** `work`: it is the lease's own task, and what it runs is not what was frozen. `task`: it is somebody else's. */
export interface TaskRefusal {
  readonly about: 'task' | 'work';
  readonly message: string;
}

/**
 * Why the task that a runner names is not the one that its lease was given to; undefined where it is. All of this
 * comes from ECS, nothing from the runner.
 */
export function refusalOfTask(
  task: TaskState,
  expected: {
    /** Name or ARN. */
    readonly cluster: string;
    readonly leaseId: string;
    readonly taskDefinition: string;
  },
): TaskRefusal | undefined {
  if (task.clusterArn !== expected.cluster && !task.clusterArn.endsWith(`:cluster/${expected.cluster}`)) {
    return { about: 'task', message: `the task runs in the cluster ${task.clusterArn}` };
  }
  // Not `startedBy`: on AWS it says "AWS Step Functions".
  if (task.environment[RUNNER_ENV.lease] !== expected.leaseId) {
    return { about: 'task', message: 'the task was not started for this lease' };
  }
  if (task.taskDefinitionArn !== expected.taskDefinition) {
    const message = `the task runs ${task.taskDefinitionArn}, the frozen revision is ${expected.taskDefinition}`;
    return { about: 'work', message };
  }
  if (!ALIVE.includes(task.lastStatus)) return { about: 'task', message: `the task is ${task.lastStatus}` };
  return undefined;
}
