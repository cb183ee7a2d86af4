import {
  DROPPED_CAPABILITIES,
  ENVIRONMENT,
  RUNNER_USER,
  ULIMITS,
} from '../../lib/constructs/sandbox-task/sandbox-tasks.ts';
import type { SandboxTask } from '../../lib/local-cloud/sandbox-host/sandbox-driver.ts';
import { TASK, TASK_DEFINITION } from '../_helpers/sandbox-scene.ts';

/** Of the runner, by RunTask. */
const OVERRIDES = ['WFLO_API', 'WFLO_EXECUTION', 'WFLO_STEP', 'WFLO_ATTEMPT', 'WFLO_LEASE', 'WFLO_CODE'];

/** A task with what our task definitions say, with half a processor. */
export function taskOf(
  taskId: string,
  image: string,
  variables: { readonly [name: string]: string },
  memoryMiB = 256,
): SandboxTask {
  return {
    taskArn: TASK,
    taskId,
    clusterArn: 'arn:aws:ecs:us-east-1:123456789012:cluster/wflo-dev',
    taskDefinitionArn: TASK_DEFINITION,
    image,
    cpu: 512,
    memoryMiB,
    environment: {
      ...ENVIRONMENT,
      ...Object.fromEntries(OVERRIDES.map((name) => [name, variables[name] ?? ''])),
    },
    container: {
      user: RUNNER_USER,
      readonlyRoot: true,
      droppedCapabilities: DROPPED_CAPABILITIES,
      init: true,
      ulimits: ULIMITS.map(({ name, limit }) => ({ name, soft: limit, hard: limit })),
      mountPoints: ['/workspace', '/tmp'].map((path) => ({ path, readOnly: false })),
    },
  };
}
