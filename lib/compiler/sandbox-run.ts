import { stateKey } from '../execution/machine.ts';
import type { JsonObject } from '../json.ts';
import { RUNNER_ENV, SANDBOX_CONTAINER } from '../sandbox/protocol.ts';
import type { SandboxStep } from '../workflow/definition.ts';

/**
 * No Retry here: whether an attempt is repeated, and as which attempt, is decided by Finish. No `StartedBy` either:
 * Step Functions sets it itself and refuses a definition that has it ("The field … is not supported"), which the local
 * AWS does not. A task belongs to the lease in its overrides.
 */
export function sandboxRun(step: SandboxStep): JsonObject {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::ecs:runTask.sync',
    Parameters: {
      Cluster: '${SandboxCluster}',
      TaskDefinition: `\${TaskDefinition_${stateKey(step.path)}}`,
      LaunchType: 'FARGATE',
      EnableExecuteCommand: false,
      NetworkConfiguration: {
        AwsvpcConfiguration: {
          'Subnets.$': "States.StringSplit('${SandboxSubnets}', ',')",
          SecurityGroups: ['${SandboxSecurityGroup}'],
          AssignPublicIp: '${AssignPublicIp}',
        },
      },
      Overrides: {
        ContainerOverrides: [
          {
            Name: SANDBOX_CONTAINER,
            Environment: [
              { Name: RUNNER_ENV.api, Value: '${SandboxApiUrl}' },
              { Name: RUNNER_ENV.execution, 'Value.$': '$.execution.id' },
              { Name: RUNNER_ENV.step, Value: step.path },
              { Name: RUNNER_ENV.attempt, 'Value.$': "States.Format('{}', $.step.attempt)" },
              { Name: RUNNER_ENV.lease, 'Value.$': '$.step.leaseId' },
              { Name: RUNNER_ENV.code, 'Value.$': '$.step.code' },
            ],
          },
        ],
      },
    },
  };
}
