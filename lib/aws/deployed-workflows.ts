import { DescribeStateMachineCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { GetParameterCommand, paginateGetParametersByPath, type SSMClient } from '@aws-sdk/client-ssm';
import { WfloError } from '../errors.ts';
import type { WorkflowConfig } from '../execution/machine.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { Workflows } from '../ports.ts';

export interface DeployedWorkflowsOptions {
  readonly ssm: SSMClient;
  readonly sfn: SFNClient;
  readonly stage: string;
}

/**
 * Workflows by their parameters, which a deployment makes and removes. Machines alone would not tell: the machine of a
 * workflow that was removed stays while executions of it may be open.
 */
export function deployedWorkflows({ ssm, sfn, stage }: DeployedWorkflowsOptions): Workflows {
  const root = `/wflo/${stage}/workflows/`;
  return {
    async names() {
      const names: string[] = [];
      for await (const page of paginateGetParametersByPath({ client: ssm }, { Path: root })) {
        for (const { Name = '' } of page.Parameters ?? []) names.push(Name.slice(root.length));
      }
      return names.sort();
    },

    async config(workflow) {
      if (!/^[a-z][a-z0-9-]{0,63}$/.test(workflow)) return undefined;
      try {
        const { Parameter } = await ssm.send(new GetParameterCommand({ Name: `${root}${workflow}` }));
        const { definition } = await sfn.send(new DescribeStateMachineCommand({ stateMachineArn: Parameter?.Value }));
        return embeddedConfig(workflow, definition);
      } catch (error) {
        // A deployment that removes it may come between the two calls.
        if (isNamed(error, 'ParameterNotFound') || isNamed(error, 'StateMachineDoesNotExist')) return undefined;
        throw error;
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

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
