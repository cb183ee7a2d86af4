import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  paginateListStateMachines,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { WfloError } from '../errors.ts';
import { parseExecutionId, stateMachineName } from '../execution/identity.ts';
import type { WorkflowConfig } from '../execution/machine.ts';
import { isJsonObject, type Json } from '../json.ts';
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

/** Deployed workflows are the machines whose names begin with the prefix of the stage; a stage has no hyphen in it. */
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

    async workflows() {
      const ours = stateMachineName(stage, '');
      const names: string[] = [];
      for await (const page of paginateListStateMachines({ client: sfn }, {})) {
        for (const { name = '' } of page.stateMachines ?? []) {
          if (name.startsWith(ours)) names.push(name.slice(ours.length));
        }
      }
      return names.sort();
    },

    async config(workflow) {
      if (!/^[a-z][a-z0-9-]{0,63}$/.test(workflow)) return undefined;
      try {
        const { definition } = await sfn.send(
          new DescribeStateMachineCommand({ stateMachineArn: machineArn(workflow) }),
        );
        return embeddedConfig(workflow, definition);
      } catch (error) {
        if (isNamed(error, 'StateMachineDoesNotExist')) return undefined;
        throw error;
      }
    },

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

/** The `workflow` text in the payload of the Open state of a definition. */
function embeddedConfig(workflow: string, definition: string | undefined): WorkflowConfig {
  let place: Json | undefined;
  try {
    place = JSON.parse(definition ?? 'null') as Json;
    for (const name of ['States', 'Open', 'Parameters', 'Payload', 'workflow']) {
      place = isJsonObject(place) ? place[name] : undefined;
    }
    if (typeof place === 'string') return JSON.parse(place) as WorkflowConfig;
  } catch (cause) {
    throw notOurs(workflow, cause);
  }
  throw notOurs(workflow);
}

function notOurs(workflow: string, cause?: unknown): WfloError {
  return new WfloError('internal', `the deployed definition of ${workflow} does not name its configuration`, {
    fix: 'deploy the workflow again; the role may need kms:Decrypt on the key of the state machine',
    ...(cause === undefined ? {} : { cause }),
  });
}

const ENDED = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;

function machineStatus(status: string | undefined): MachineExecution['status'] {
  return ENDED.find((ended) => ended === status) ?? 'RUNNING';
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
