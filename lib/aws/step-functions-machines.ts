import {
  DescribeExecutionCommand,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { WfloError } from '../errors.ts';
import { parseExecutionId, stateMachineName } from '../execution/identity.ts';
import type { MachineExecution, StateMachines } from '../ports.ts';

/** Limits of StopExecution. */
const MAX_ERROR = 256;
const MAX_CAUSE = 32_768;

export interface StepFunctionsMachinesOptions {
  readonly sfn: SFNClient;
  readonly stage: string;
  readonly region: string;
  readonly account: string;
  /** `aws` where absent. */
  readonly partition?: string;
}

/** Machines begin with the prefix of the stage; a stage has no hyphen in it. */
export function stepFunctionsMachines(options: StepFunctionsMachinesOptions): StateMachines {
  const { sfn, stage, region, account, partition = 'aws' } = options;
  const prefix = `arn:${partition}:states:${region}:${account}`;
  const machineArn = (workflow: string) => `${prefix}:stateMachine:${stateMachineName(stage, workflow)}`;
  const executionArn = (executionId: string) => {
    const { workflow, name } = parseExecutionId(executionId);
    return `${prefix}:execution:${stateMachineName(stage, workflow)}:${name}`;
  };

  return {
    executionArn,

    /**
     * A running execution of this name with the same input counts as `started`: AWS answers so, and does not say that
     * it was there before. The local AWS answers `exists`.
     */
    async start(executionId, input) {
      const { workflow, name } = parseExecutionId(executionId);
      try {
        await sfn.send(
          new StartExecutionCommand({ stateMachineArn: machineArn(workflow), name, input: JSON.stringify(input) }),
        );
        return 'started';
      } catch (error) {
        if (isNamed(error, 'ExecutionAlreadyExists')) return 'exists';
        if (isNamed(error, 'StateMachineDoesNotExist')) {
          throw new WfloError('unknown_workflow', `no workflow "${workflow}" is deployed in stage ${stage}`, {
            fix: 'deploy it, or use a name that `GET /v1/workflows` lists',
          });
        }
        throw error;
      }
    },

    async describe(arn) {
      try {
        const found = await sfn.send(new DescribeExecutionCommand({ executionArn: arn }));
        return {
          status: machineStatus(found.status),
          startedAt: (found.startDate ?? new Date(0)).toISOString(),
          ...(found.stopDate === undefined ? {} : { endedAt: found.stopDate.toISOString() }),
          ...(found.input === undefined ? {} : { input: found.input }),
          ...(found.error === undefined ? {} : { error: found.error }),
          ...(found.cause === undefined ? {} : { cause: found.cause }),
        };
      } catch (error) {
        if (isNamed(error, 'ExecutionDoesNotExist')) return undefined;
        throw error;
      }
    },

    async stop(arn, error, cause) {
      try {
        await sfn.send(
          new StopExecutionCommand({
            executionArn: arn,
            error: error.slice(0, MAX_ERROR),
            cause: cause.slice(0, MAX_CAUSE),
          }),
        );
      } catch (failure) {
        if (isNamed(failure, 'ExecutionDoesNotExist')) return;
        throw failure;
      }
    },
  };
}

const ENDED = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;

function machineStatus(status: string | undefined): MachineExecution['status'] {
  return ENDED.find((ended) => ended === status) ?? 'RUNNING';
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
