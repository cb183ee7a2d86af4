import { posix } from 'node:path';
import { MODEL_VARIABLES } from '../sandbox/model-environment.ts';
import { isFargateSize, nearestFargateSize } from '../sandbox/sizes.ts';
import type { Block, LambdaStep, RetryPolicy, SandboxStep, Step, WorkflowDefinition } from '../workflow/definition.ts';
import { checkDuration, isWithin } from './check-duration.ts';
import { bundleOfEntry, isCodeEntry } from './code-entry.ts';
import type { Report } from './findings.ts';
import { MACHINE_TIMEOUT_EXTRA_SECONDS } from './states.ts';
import { stepsOf } from './steps-of.ts';

const DAY_SECONDS = 24 * 60 * 60;
/** Step Functions ends every execution after one year. */
const WORKFLOW_TIMEOUT_LIMIT_SECONDS = 365 * DAY_SECONDS - MACHINE_TIMEOUT_EXTRA_SECONDS;
/** A function runs for 15 minutes at most, and `invoke-step`, which waits for it, is one too. */
const LAMBDA_TIMEOUT_LIMIT_SECONDS = 14 * 60;
const LAMBDA_MEMORY_MIB = { least: 128, most: 10_240 };
const RETRY_LIMIT = 10;
const RETRY_DELAY_LIMIT_SECONDS = 60 * 60;

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const RESERVED_ENV = ['WFLO_', 'AWS_'];
const FUNCTION_VERSION = /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+:\d+$/;

/** Everything that can be judged of one step by itself, and of the blocks. */
export function checkSteps(definition: WorkflowDefinition, report: Report): void {
  checkBlock(definition.body, 'the workflow', '', report);
  checkDuration('the timeout of the workflow', definition.timeoutSeconds, WORKFLOW_TIMEOUT_LIMIT_SECONDS, '', report);
  checkMaxConcurrent(definition.maxConcurrent, report);
  for (const step of stepsOf(definition.body)) checkStep(step, definition.timeoutSeconds, report);
}

/** True for the ARN of a published version; anything else names a file. */
export function isFunctionVersion(target: string): boolean {
  return FUNCTION_VERSION.test(target);
}

function checkMaxConcurrent(maxConcurrent: number | undefined, report: Report): void {
  if (maxConcurrent === undefined || (Number.isInteger(maxConcurrent) && maxConcurrent > 0)) return;
  report(
    'invalid_value',
    'maxConcurrent',
    `${maxConcurrent} executions cannot be open at a time`,
    'write a whole number of at least 1, or leave maxConcurrent out for any number',
  );
}

function checkStep(step: Step, workflowSeconds: number, report: Report): void {
  const { path } = step;
  switch (step.kind) {
    case 'sandbox':
      checkSandbox(step, report);
      checkDuration('the timeout', step.timeoutSeconds, workflowSeconds, `${path}.timeout`, report);
      checkRetry(step.retry, `${path}.retry`, report);
      return;
    case 'lambda':
      checkLambda(step, report);
      checkDuration(
        'the timeout',
        step.timeoutSeconds,
        Math.min(workflowSeconds, LAMBDA_TIMEOUT_LIMIT_SECONDS),
        `${path}.timeout`,
        report,
      );
      checkRetry(step.retry, `${path}.retry`, report);
      return;
    case 'wait':
      if ('seconds' in step.duration) {
        checkDuration('the wait', step.duration.seconds, workflowSeconds, path, report);
      }
      return;
    case 'approval':
      return;
    case 'when':
      checkBlock(step.then, 'the block', path, report);
      return;
    case 'parallel': {
      const branches = Object.entries(step.branches);
      if (branches.length === 0) checkBlock([], 'the parallel', path, report);
      for (const [branch, block] of branches) checkBlock(block, `the branch "${branch}"`, path, report);
    }
  }
}

function checkSandbox(step: SandboxStep, report: Report): void {
  const { path, cpu, memoryMib } = step;
  if (step.command.length === 0) {
    report(
      'invalid_command',
      `${path}.command`,
      'the command is empty',
      "write program and arguments: ['python3', 'agent.py']",
    );
  }
  for (const name of Object.keys(step.env)) {
    const fault = faultOfVariable(name);
    if (fault !== undefined) report('invalid_env', `${path}.env.${name}`, fault.message, fault.fix);
  }
  if (!isFargateSize({ cpu, memoryMib })) {
    const nearest = nearestFargateSize({ cpu, memoryMib });
    report(
      'invalid_sandbox_size',
      `${path}.cpu`,
      `Fargate does not offer cpu ${cpu} with memoryMib ${memoryMib}`,
      `write cpu: ${nearest.cpu}, memoryMib: ${nearest.memoryMib}`,
    );
  }
  if (step.code === undefined) return;
  checkRelative('the code', step.code, `${path}.code`, report);
  if (isCodeEntry(step.code)) checkRunsBundle(step, bundleOfEntry(step.code), report);
}

/** The bundle is all that the working directory holds: a command that does not name it runs something else. */
function checkRunsBundle(step: SandboxStep, bundle: string, report: Report): void {
  if (JSON.stringify(step.command).includes(bundle)) return;
  report(
    'invalid_command',
    `${step.path}.command`,
    `the command does not run ${bundle}, which ${step.code} is bundled to`,
    `write ['node', '${bundle}']`,
  );
}

function faultOfVariable(name: string): { readonly message: string; readonly fix: string } | undefined {
  if (!ENV_NAME.test(name)) {
    return {
      message: `"${name}" is not a name of an environment variable`,
      fix: 'use letters, digits and _, not beginning with a digit',
    };
  }
  if (MODEL_VARIABLES.includes(name.toUpperCase())) {
    return {
      message: `${name} is reserved: it leads the SDK of a provider to the model gateway, which holds the keys`,
      fix: 'leave it out, and let the agent use the SDK as it is',
    };
  }
  const prefix = RESERVED_ENV.find((one) => name.toUpperCase().startsWith(one));
  if (prefix === undefined) return undefined;
  return { message: `names with ${prefix} are reserved`, fix: 'give the variable another name' };
}

function checkLambda(step: LambdaStep, report: Report): void {
  const { path, memoryMib } = step;
  const { least, most } = LAMBDA_MEMORY_MIB;
  if (!Number.isInteger(memoryMib) || memoryMib < least || memoryMib > most) {
    report(
      'invalid_function_size',
      `${path}.memoryMib`,
      `Lambda does not offer memoryMib ${memoryMib}`,
      `write a whole number of MiB from ${least} to ${most}`,
    );
  }
  if (step.function.startsWith('arn:')) {
    if (isFunctionVersion(step.function)) return;
    report(
      'code_not_found',
      `${path}.function`,
      `${step.function} is not the ARN of a published function version`,
      'write the ARN with its version number (arn:…:function:name:3), so that what was deployed is what runs',
    );
    return;
  }
  checkRelative('the function file', step.function, `${path}.function`, report);
}

function checkRetry(retry: RetryPolicy, place: string, report: Report): void {
  const { maxRetries, initialDelaySeconds, maxDelaySeconds } = retry;
  if (!Number.isInteger(maxRetries) || maxRetries < 0 || maxRetries > RETRY_LIMIT) {
    report('invalid_retry', `${place}.maxRetries`, `maxRetries is ${maxRetries}`, `use 0 to ${RETRY_LIMIT}`);
  }
  if (!isWithin(initialDelaySeconds, RETRY_DELAY_LIMIT_SECONDS)) {
    report(
      'invalid_retry',
      `${place}.initialDelay`,
      `initialDelay is ${initialDelaySeconds} seconds`,
      `use whole seconds from 1 to ${RETRY_DELAY_LIMIT_SECONDS}`,
    );
  }
  if (!isWithin(maxDelaySeconds, RETRY_DELAY_LIMIT_SECONDS) || maxDelaySeconds < initialDelaySeconds) {
    report(
      'invalid_retry',
      `${place}.maxDelay`,
      `maxDelay is ${maxDelaySeconds} seconds, and initialDelay ${initialDelaySeconds}`,
      `use whole seconds from initialDelay to ${RETRY_DELAY_LIMIT_SECONDS}`,
    );
  }
}

function checkBlock(block: Block, what: string, path: string, report: Report): void {
  if (block.length > 0) return;
  report('empty_workflow', path, `${what} has no steps`, 'add at least one step, or remove it');
}

function checkRelative(what: string, file: string, place: string, report: Report): void {
  const normal = posix.normalize(file);
  if (file !== '' && !posix.isAbsolute(file) && !file.includes('\\') && !normal.startsWith('..')) return;
  report(
    'code_not_found',
    place,
    `${what} "${file}" is not below the folder of the workflow`,
    'write a path relative to the folder of workflow.ts, without ..',
  );
}
