import { WfloError } from '../errors.ts';

/** State machines are named `wflo-<stage>-<workflow>`, so that several stages fit one account. */
export function stateMachineName(stage: string, workflow: string): string {
  return `wflo-${stage}-${workflow}`;
}

/**
 * The execution id `<workflow>:<executionName>` of a Step Functions execution ARN
 * (`arn:aws:states:<region>:<account>:execution:wflo-<stage>-<workflow>:<name>`).
 */
export function executionIdFromArn(executionArn: string, stage: string): string {
  const [, machine, name] = /:execution:([^:]+):([^:]+)$/.exec(executionArn) ?? [];
  const prefix = stateMachineName(stage, '');
  if (machine === undefined || name === undefined || !machine.startsWith(prefix)) {
    throw new WfloError('invalid_request', `${executionArn} is not the ARN of a workflow execution of stage ${stage}`);
  }
  return `${machine.slice(prefix.length)}:${name}`;
}

export interface ExecutionName {
  readonly workflow: string;
  readonly name: string;
}

/** No workflow has this name: `tenant:<tenant>` is the chain of events of a tenant. */
const RESERVED_WORKFLOW = 'tenant';

/** The two parts of an execution id. Names have the characters that Step Functions allows, at most 80. */
export function parseExecutionId(executionId: string): ExecutionName {
  const [, workflow, name] = /^([a-z][a-z0-9-]{0,63}):([A-Za-z0-9_-]{1,80})$/.exec(executionId) ?? [];
  if (workflow === undefined || name === undefined || workflow === RESERVED_WORKFLOW) {
    throw new WfloError('unknown_execution', `"${executionId}" is not an execution id`, {
      fix: 'use <workflow>:<name>, as `wflo list` prints it',
    });
  }
  return { workflow, name };
}

/** Whether an id can be parsed: Step Functions allows more characters in a name than an execution id has. */
export function isExecutionId(text: string): boolean {
  try {
    parseExecutionId(text);
    return true;
  } catch {
    return false;
  }
}
